import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type DataCard,
  decodeTable,
  encodeTable,
  repairRelease,
  tableColumns,
  verifyRelease,
} from "../src/index.js";
import { sealedCard } from "../src/release/cardPages.js";
import { sha256Of } from "../src/sha256Of.js";
import { makeSmallRelease } from "./smallRelease.js";

let root: string;
let intact: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-older-"));
  await makeSmallRelease(await openStore(root), 60);
  intact = join(root, "release");
});
afterAll(() => rm(root, { recursive: true }));

const cardOf = async (at: string) =>
  JSON.parse(await readFile(join(at, "datacard.json"), "utf8")) as DataCard;
const saveCard = (at: string, card: object) =>
  writeFile(join(at, "datacard.json"), JSON.stringify(card, null, 2));

/** A copy whose pages are worded otherwise, as another version would. */
async function otherWords(): Promise<{ at: string; pages: Map<string, Buffer> }> {
  const at = await mkdtemp(join(root, "copy-"));
  await cp(intact, at, { recursive: true });
  const pages = new Map<string, Buffer>();
  for (const page of ["datacard.md", "README.md"]) {
    await appendFile(join(at, page), "\nWords of another version.\n");
    pages.set(page, await readFile(join(at, page)));
  }
  return { at, pages };
}

/** As a version that recorded no hash of pages left it. */
async function unrecorded(): Promise<string> {
  const { at } = await otherWords();
  const { pages, cardSha256, ...card } = await cardOf(at);
  expect([pages, cardSha256]).toEqual([expect.anything(), expect.anything()]);
  await saveCard(at, card);
  return at;
}

/** As another version that records them leaves it. */
async function recorded(): Promise<string> {
  const { at, pages } = await otherWords();
  const { pages: ours, cardSha256, ...card } = await cardOf(at);
  expect([ours, cardSha256]).toEqual([expect.anything(), expect.anything()]);
  await saveCard(at, sealedCard(card, pages));
  return at;
}

const untouched = { rebuilt: [], left: [] };

describe.each([
  ["recorded no hashes of its pages", unrecorded],
  ["recorded hashes of pages in other words", recorded],
])("a release of another version, that %s", (_title, make) => {
  it("is whole, and a repair changes nothing", async () => {
    const at = await make();
    expect((await verifyRelease(at)).problems).toEqual([]);
    expect(await repairRelease(at)).toMatchObject(untouched);
  });

  it("gets a lost page back in today's words, and is whole again", async () => {
    const at = await make();
    await rm(join(at, "README.md"));
    expect((await repairRelease(at)).rebuilt).toContain("README.md");
    expect(await readFile(join(at, "README.md"))).toEqual(await readFile(join(intact, "README.md")));
    expect(await readFile(join(at, "datacard.md"), "utf8")).toContain("Words of another version");
    expect((await verifyRelease(at)).problems).toEqual([]);
    expect(await repairRelease(at)).toMatchObject(untouched);
  });

  it("gets card and pages of today where the card is lost", async () => {
    const at = await make();
    await rm(join(at, "datacard.json"));
    expect((await repairRelease(at)).rebuilt).toEqual(["datacard.md", "README.md", "datacard.json"]);
    expect(await cardOf(at)).toEqual(await cardOf(intact));
    expect((await verifyRelease(at)).problems).toEqual([]);
  });

  it("keeps a table that was written in other bytes", async () => {
    const at = await make();
    const { rows, metadata } = await decodeTable(tableColumns, await readFile(join(at, "00001.parquet")));
    const table = encodeTable(tableColumns, rows, { ...metadata, "another.version": "1" });
    await writeFile(join(at, "00001.parquet"), table);
    const card = await cardOf(at);
    const shards = card.shards.map((shard) =>
      shard.tar === "00001.tar" ? { ...shard, parquetSha256: sha256Of(table) } : shard,
    );
    const pages = new Map<string, Buffer>();
    for (const page of Object.keys(card.pages ?? {})) pages.set(page, await readFile(join(at, page)));
    await saveCard(
      at,
      card.pages === undefined ? { ...card, shards } : sealedCard({ ...card, shards }, pages),
    );
    expect((await verifyRelease(at)).problems).toEqual([]);
    expect(await repairRelease(at)).toMatchObject(untouched);
  });
});

it("a page that was edited after its hash was recorded is found and put right", async () => {
  const at = await recorded();
  await appendFile(join(at, "README.md"), "edited");
  expect((await verifyRelease(at)).problems).toMatchObject([{ kind: "hash", file: "README.md" }]);
  await repairRelease(at);
  expect((await verifyRelease(at)).problems).toEqual([]);
});
