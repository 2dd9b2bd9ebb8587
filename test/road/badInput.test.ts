import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pairloom } from "./pairloom.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pairloom-bad-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a command that must fail: the error's code and hint as --json gives them. */
async function failure(args: string[]): Promise<{ code: string; message: string; hint: string | null }> {
  const ran = await pairloom([...args, "--json"]);
  expect(ran.code, `${args.join(" ")}\n${ran.stdout}${ran.stderr}`).not.toBe(0);
  expect(ran.stderr).not.toContain("    at "); // no stack
  const { error } = JSON.parse(ran.stdout.trimEnd().split("\n").at(-1) ?? "") as { error: never };
  return error;
}

const search = "http://127.0.0.1:9/search?q={query}&offset={offset}&limit={limit}";

describe("what a user gets wrong is named, with what to do", () => {
  it("a missing, empty or binary query list", async () => {
    const dir = join(folder, "lists");
    await writeFile(join(folder, "empty.txt"), "\n# nothing\n");
    await writeFile(join(folder, "binary.txt"), Buffer.from([0, 1, 2, 255, 254, 0, 0, 9]));
    expect((await failure(["seed", "--dir", dir, join(folder, "none.txt"), "--search", search])).code).toBe(
      "query_list_missing",
    );
    expect((await failure(["seed", "--dir", dir, join(folder, "empty.txt"), "--search", search])).code).toBe(
      "query_list_empty",
    );
    expect((await failure(["seed", "--dir", dir, join(folder, "binary.txt"), "--search", search])).code).toBe(
      "query_list_binary",
    );
    expect(await readdir(dir).catch(() => [])).toEqual([]); // nothing was written
  });

  it("a query list with no source switched on", async () => {
    const error = await failure(["seed", "--dir", join(folder, "nosource"), "examples/demo-queries.txt"]);
    expect(error.code).toBe("no_source");
    expect(error.hint).toContain("--search");
  });

  it("an unreachable site, and one on an address that is not listed", async () => {
    const dir = join(folder, "site");
    const allowed = ["--allow-private", "127.0.0.0/8"];
    expect((await failure(["seed", "--dir", dir, "--site", "http://127.0.0.1:9/", ...allowed])).code).toBe(
      "site_unreachable",
    );
    const refused = await failure([
      "seed",
      "--dir",
      dir,
      "--site",
      "http://127.0.0.1:9/",
      "--contact",
      "a@example.org",
    ]);
    expect(refused.message).toContain("address_private");
    expect(refused.hint).toContain("--allow-private");
  });

  it("a settings file with a wrong field", async () => {
    const dir = join(folder, "wrong");
    await mkdir(dir);
    await writeFile(
      join(dir, "pairloom.json"),
      JSON.stringify({ project: "p", fetchChunk: 0, web: { hostGap: 3 } }),
    );
    const error = await failure(["up", "--dir", dir, "--until-idle"]);
    expect(error.code).toBe("config_invalid");
    expect(error.message).toContain("fetchChunk");
    expect(error.message).toContain("hostGap");
  });

  it("a folder without a project", async () => {
    const error = await failure(["status", "--dir", join(folder, "nothing")]);
    expect(error.code).toBe("project_missing");
    expect(error.hint).toContain("pairloom seed");
  });

  it("a training on no release, and with a setting that can't be", async () => {
    const out = join(folder, "run");
    expect(
      (await failure(["train", "--data", join(folder, "norelease"), "--out", out, "--engine", "wasm"])).code,
    ).not.toBe("unexpected");
    const model = await failure(["train", "--data", folder, "--out", out, "--model", "no-such-model"]);
    expect(model.message).toContain("no-such-model");
  });

  it("a damaged segment: the release names it and keeps everything", async () => {
    const dir = join(folder, "damaged");
    await mkdir(dir);
    await writeFile(join(dir, "pairloom.json"), JSON.stringify({ project: "damaged" }));
    expect((await pairloom(["status", "--dir", dir])).code).toBe(0); // its queues are older than the damage
    await mkdir(join(dir, "segments"), { recursive: true });
    await writeFile(join(dir, "segments", "f-1-0.parquet"), "PAR1 not really PAR1");
    const error = await failure(["release", "--dir", dir]);
    expect(error.message).toContain("f-1-0.parquet");
    expect(`${error.hint}`).not.toBe("null");
    expect(await readFile(join(dir, "segments", "f-1-0.parquet"), "utf8")).toContain("not really");
  });

  it("an unknown command and option", async () => {
    expect((await pairloom(["nonsense"])).code).toBe(2);
    expect((await pairloom(["up", "--nonsense"])).code).toBe(2);
    expect((await pairloom(["--help"])).code).toBe(0);
  });
});
