import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BarEntry } from "@pairloom/config";
import { LocalStore } from "@pairloom/storage";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publishBarList, readBarLists } from "../src/barLists.js";

let folder: string;
let store: LocalStore;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lists-"));
  store = await LocalStore.open(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const entries: BarEntry[] = [
  { kind: "url", value: "http://a.example/1.jpg" },
  { kind: "sha256", value: hash("a") },
  { kind: "pdq", value: hash("a") },
  { kind: "domain", value: "bad.example" },
  { kind: "sha256", value: hash("b") },
];

test("a list is named by what it holds, whatever the order and however often", async () => {
  const one = await publishBarList(store, "blocklist", "one.txt", entries);
  const two = await publishBarList(store, "blocklist", "two.txt", [...entries.toReversed(), ...entries]);
  expect(two.sha256).toBe(one.sha256);
  expect(two.entries).toEqual({ sha256: 2, pdq: 1, domain: 1, url: 1 });
  const other = await publishBarList(store, "blocklist", "one.txt", entries.slice(1));
  expect(other.sha256).not.toBe(one.sha256);
});

test("the lists of one use are read together, those of the other are not", async () => {
  const lists = [
    await publishBarList(store, "blocklist", "a", entries.slice(0, 2)),
    await publishBarList(store, "blocklist", "b", entries.slice(1)),
    await publishBarList(store, "decontaminate", "c", [{ kind: "pdq", value: hash("c") }]),
  ];
  const sorted = async (use: "blocklist" | "decontaminate") =>
    Object.fromEntries(
      Object.entries(await readBarLists(store, lists, use)).map(([kind, values]) => [
        kind,
        [...(values as Iterable<string>)].sort(),
      ]),
    );
  expect(await sorted("blocklist")).toEqual({
    sha256: [hash("a"), hash("b")].sort(),
    pdq: [hash("a")],
    domains: ["bad.example"],
    urls: ["http://a.example/1.jpg"],
  });
  expect(await sorted("decontaminate")).toEqual({ sha256: [], pdq: [hash("c")], domains: [], urls: [] });
});

test("a list that is empty is refused, and one that isn't what its name says", async () => {
  await expect(publishBarList(store, "blocklist", "empty.txt", [])).rejects.toMatchObject({
    code: "list_empty",
  });
  const [good, bad] = [
    await publishBarList(store, "blocklist", "good", entries.slice(0, 1)),
    await publishBarList(store, "blocklist", "bad", entries.slice(1, 2)),
  ];
  const bytes = await store.get(`lists/${good.sha256}.jsonl.gz`);
  await rm(join(folder, `lists/${bad.sha256}.jsonl.gz`));
  await writeFile(join(folder, `lists/${bad.sha256}.jsonl.gz`), bytes);
  await expect(readBarLists(store, [bad], "blocklist")).rejects.toThrow("is not what its name says");
});
