import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { readBarLists } from "@pairloom/service-sharder";
import { TarPacker } from "@pairloom/shards";
import { LocalStore } from "@pairloom/storage";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixBarLists } from "../src/project/fixBarLists.js";

let dir: string;
let store: LocalStore;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "bar-lists-"));
  store = await LocalStore.open(join(dir, "store"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const sha = (bytes: Buffer | string) => createHash("sha256").update(bytes).digest("hex");
const fix = async (paths: { blocklist?: string[]; decontaminate?: string[] }) => {
  const warnings: string[] = [];
  const lists = await fixBarLists(
    { dir, store },
    { blocklist: [], decontaminate: [], ...paths },
    { minQuality: 49 },
    (line) => warnings.push(line),
  );
  return { lists, warnings };
};
const put = async (name: string, bytes: Buffer | string) => {
  await mkdir(join(dir, name, ".."), { recursive: true });
  await writeFile(join(dir, name), bytes);
  return name;
};

/** A picture with something in it: noise, the same for the same seed. */
async function noise(seed: string, format: "png" | "jpeg" = "png"): Promise<Buffer> {
  const cells = Buffer.concat(Array.from({ length: 6 }, (_, i) => createHash("sha256").update(`${seed} ${i}`).digest())); // prettier-ignore
  const small = sharp(cells.subarray(0, 192), { raw: { width: 8, height: 8, channels: 3 } });
  return small.resize(128, 128, { kernel: "cubic" }).toFormat(format).toBuffer();
}

test("a folder gives both hashes of its pictures, those of subfolders and tars too, and nothing of other files", async () => {
  const [one, two, three] = [await noise("one"), await noise("two", "jpeg"), await noise("three")];
  await put("val/one.png", one);
  await put("val/dogs/two.JPEG", two);
  await put("val/labels.csv", "one,1\n");
  const sidecar = { sha256: sha("original"), pdq: sha("pdq of the original"), caption: "x" };
  const tar = new TarPacker();
  const chunks = [
    ...tar.add("000.png", three),
    ...tar.add("000.json", Buffer.from(JSON.stringify(sidecar))),
    ...tar.add("000.txt", Buffer.from("a text")),
    ...tar.end(),
  ];
  await put("val/shards/0.tar", Buffer.concat(chunks));
  const { lists, warnings } = await fix({ decontaminate: ["val"] });
  expect(warnings).toEqual([]);
  expect(lists).toMatchObject([{ use: "decontaminate", name: "val", entries: { sha256: 4, pdq: 4 } }]);
  const { sha256, pdq } = await readBarLists(store, lists, "decontaminate");
  expect(new Set(sha256)).toEqual(new Set([...[one, two, three].map(sha), sidecar.sha256]));
  expect([...(pdq ?? [])]).toContain(sidecar.pdq);

  const alone = await fix({ decontaminate: ["val/shards/0.tar"] });
  expect(alone.lists).toMatchObject([{ name: "0.tar", entries: { sha256: 2, pdq: 2 } }]);
});

test("pictures that are flat or broken count by their bytes, and are told", async () => {
  const flat = await sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  await put("odd/flat.png", flat);
  await put("odd/broken.jpg", Buffer.from("no picture"));
  const { lists, warnings } = await fix({ decontaminate: ["odd"] });
  expect(lists[0]!.entries).toEqual({ sha256: 2, pdq: 0, domain: 0, url: 0 });
  expect(warnings).toHaveLength(2);
  expect(warnings[0]).toContain("broken.jpg, not_an_image");
});

test("a list is what its file held when it was fixed", async () => {
  const list = await put("takedowns.txt", `# asked for by mail\nbad.example\n${sha("x")}\n`);
  const before = await fix({ blocklist: [list] });
  expect(before.lists).toMatchObject([
    { name: "takedowns.txt", entries: { sha256: 1, pdq: 1, domain: 1, url: 0 } },
  ]);
  await put("takedowns.txt", "worse.example\n");
  const after = await fix({ blocklist: [list] });
  expect(after.lists[0]!.sha256).not.toBe(before.lists[0]!.sha256);
  const { domains } = await readBarLists(store, before.lists, "blocklist");
  expect([...(domains ?? [])]).toEqual(["bad.example"]);
});

test("the same list twice is one; gzip and CRLF make no difference", async () => {
  await put("a.txt", "bad.example\nhttp://a.example/1.jpg\n");
  await put("b.txt.gz", gzipSync("\ufeffhttp://a.example/1.jpg\r\nbad.example\r\n"));
  const { lists } = await fix({ blocklist: ["a.txt", "b.txt.gz"] });
  expect(lists).toHaveLength(1);
  expect((await fix({ blocklist: ["a.txt"], decontaminate: [] })).lists).toEqual(lists);
});

test.each([
  ["missing.txt", null, "blocklist", "list_missing", "missing.txt"],
  ["wrong.txt", "bad.example\nwhat is this\n", "blocklist", "list_invalid", "line 2"],
  ["hosts.txt", "bad.example\n", "decontaminate", "list_invalid", "named by hashes"],
  ["empty.txt", "# nothing\n", "blocklist", "list_empty", "empty.txt"],
  ["broken.txt.gz", "no gzip", "blocklist", "list_unreadable", "broken.txt.gz"],
  ["broken.tar", "no tar".repeat(200), "decontaminate", "list_damaged", "broken.tar"],
  ["nothing/readme.md", "# no pictures", "decontaminate", "list_empty", "no pictures"],
])("%s is refused by name", async (name, content, use, code, says) => {
  if (content !== null) await put(name, content);
  const path = name.startsWith("nothing/") ? "nothing" : name;
  const refused = await fix({ [use]: [path] }).then(
    () => null,
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ code });
  expect(String(refused)).toContain(says);
});
