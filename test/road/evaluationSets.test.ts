import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { packTar } from "@pairloom/shards";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pairloom } from "./pairloom.js";

const fixtures = fileURLToPath(new URL("fixtures/digits/", import.meta.url));
let root: string;
let pictures: Buffer[];
let model: string[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "evaluation-sets-"));
  pictures = await Promise.all([0, 1, 2].map((n) => readFile(join(fixtures, `${n}.jpg`))));
  const weights = brotliDecompressSync(await readFile(join(fixtures, "model.safetensors.br")));
  await writeFile(at("model.safetensors"), weights);
  await writeFile(at("plain.txt"), "{}\n");
  await writeFile(at("names.txt"), "1\n2\n3\n");
  const config = join(fixtures, "config.json");
  model = ["--checkpoint", at("model.safetensors"), "--model", config, "--engine", "wasm", "--json"];
  for (const [n, picture] of pictures.entries()) {
    await mkdir(at("real", String(n + 1)), { recursive: true });
    for (const copy of ["a", "b"]) await writeFile(at("real", String(n + 1), `${copy}.jpg`), picture);
  }
});
afterAll(() => rm(root, { recursive: true }));

const at = (...names: string[]) => join(root, ...names);
/** The model names each picture rightly: anything below 1 is a label that was read wrongly. */
const right = { metrics: { acc1: 1, mean_per_class_recall: 1 }, classnames: ["1", "2", "3"], skipped: 0 };
const evaluate = async (data: string, ...options: string[]) => {
  const { code, stdout, stderr } = await pairloom(["eval", "zeroshot", ...model, "--data", data, ...options]);
  expect(code, stderr).toBe(0);
  return { result: JSON.parse(stdout) as object, stderr };
};

describe("classes named 1, 2, 3", () => {
  it("have the labels 0, 1, 2 in a webdataset", async () => {
    await mkdir(at("digits", "test"), { recursive: true });
    const members = pictures.flatMap((data, n) => [
      { name: `s${n}.jpg`, data },
      { name: `s${n}.cls`, data: Buffer.from(String(n)) },
    ]);
    const parts: Buffer[] = [];
    for await (const part of packTar(members)) parts.push(part);
    await writeFile(at("digits", "test", "0.tar"), Buffer.concat(parts));
    await writeFile(at("digits", "test", "nshards.txt"), "1");
    await writeFile(at("digits", "classnames.txt"), "1\n2\n3\n");
    await writeFile(at("digits", "zeroshot_classification_templates.txt"), "{c}\n");
    expect((await evaluate(at("digits"))).result).toMatchObject({ ...right, samples: 3, leftOut: {} });
  });

  it.each([
    ["0, 1, 2", ["0", "1", "2"], ""],
    ["1, 2, 3, their names", ["1", "2", "3"], "labels are read as names"],
  ])("have the labels %s in a csv", async (_, labels, warning) => {
    const rows = labels.map((label, n) => `real/${n + 1}/a.jpg,${label}`);
    await writeFile(at("labels.csv"), ["path,label", ...rows].join("\n"));
    const options = ["--classes", at("names.txt"), "--templates", at("plain.txt")];
    const { result, stderr } = await evaluate(at("labels.csv"), ...options);
    expect(result).toMatchObject({ ...right, samples: 3 });
    expect(stderr).toContain(warning);
  });
});

describe("linked pictures", () => {
  it("are evaluated, and what is passed over is counted and named", async () => {
    await mkdir(at("linked", "2"), { recursive: true });
    await symlink(at("real", "1"), at("linked", "1"));
    for (const name of ["a.jpg", "b.jpg"]) await symlink(at("real", "2", name), at("linked", "2", name));
    await symlink(at("real", "3"), at("linked", "3"));
    await symlink("gone.jpg", at("linked", "2", "c.jpg"));
    await writeFile(at("linked", "2", "Thumbs.db"), "");
    await writeFile(at("linked", "2", "._a.jpg"), "no picture");
    await symlink(at("linked"), at("set"));
    const { result, stderr } = await evaluate(at("set"), "--templates", at("plain.txt"));
    const leftOut = {
      "a link that leads nowhere": ["2/c.jpg"],
      "a file that is no picture by its ending": ["2/Thumbs.db"],
      "a picture that can't be decoded": ["2/._a.jpg"],
    };
    expect(result).toMatchObject({
      ...right,
      skipped: 1,
      samples: 6,
      leftOut: Object.fromEntries(Object.keys(leftOut).map((reason) => [reason, 1])),
    });
    for (const [reason, [path]] of Object.entries(leftOut))
      expect(stderr).toContain(`left out: ${reason} (${at("set", path!)})`);
  });

  it("are embedded", async () => {
    await mkdir(at("mixed"));
    await writeFile(at("mixed", "a.jpg"), pictures[0]!);
    await symlink(at("real", "2", "a.jpg"), at("mixed", "b.jpg"));
    await symlink(at("real", "3"), at("mixed", "sub"));
    const args = ["embed", ...model, "--images", at("mixed"), "--out", at("out.safetensors")];
    expect((await pairloom(args)).code).toBe(0);
    expect(JSON.parse(await readFile(at("out.paths.json"), "utf8"))).toEqual([
      "a.jpg",
      "b.jpg",
      "sub/a.jpg",
      "sub/b.jpg",
    ]);
  });
});
