import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectSettings, UserError } from "@pairloom/config";
import { afterEach, beforeEach, expect, it } from "vitest";
import { newSource, withSource } from "../src/project/newSource.js";
import { readProjectFile, writeProjectFile } from "../src/project/projectFile.js";

const secret = "k-123456";
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "source-keys-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const messageOf = async (act: () => unknown): Promise<string> => {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    const { message, hint } = error as UserError;
    return `${message} ${hint ?? ""}`;
  }
  throw new Error("it was taken");
};

it.each([
  [{ search: `https://me:${secret}@api.example/?q={query}` }, "those are not sent"],
  [{ site: `https://me:${secret}@docs.example/` }, "those are not sent"],
  [{ search: `api.example/?key=${secret}&q={query}` }, "expects an absolute http(s) URL"],
  [{ search: `ftp://api.example/?token=${secret}&q={query}` }, "expects an absolute http(s) URL"],
])("%j is refused without repeating the key", async (wish, problem) => {
  const message = await messageOf(() => newSource(wish));
  expect(message).toContain(problem);
  expect(message).not.toContain(secret);
});

it("a settings file that holds a key is its owner's alone", async () => {
  const modeWith = async (search: string): Promise<number> => {
    const settings = withSource(projectSettings.parse({ project: "p" }), newSource({ search }));
    await writeProjectFile(dir, settings);
    return (await stat(join(dir, "pairloom.json"))).mode & 0o077;
  };
  expect(await modeWith(`https://api.example/?key=${secret}&q={query}`)).toBe(0);
  expect(await modeWith("https://api.example/?key={env:PAIRLOOM_KEY_A}&q={query}")).toBe(
    0o066 & ~process.umask(),
  );
});

it("a settings file that is no JSON is told of by its line, not by its text", async () => {
  await writeFile(
    join(dir, "pairloom.json"),
    `{\n"project": "p",\n"sources": [{"url": "x?key=${secret}",}]}`,
  );
  const message = await messageOf(() => readProjectFile(dir));
  expect(message).toMatch(/pairloom\.json(, line 3)? is not JSON/);
  await writeFile(join(dir, "pairloom.json"), `{"url": "x?key=${secret}" ${secret}`);
  expect(`${message}${await messageOf(() => readProjectFile(dir))}`).not.toContain(secret);
});
