import type { BarListRef } from "@pairloom/config";
import { expect, it } from "vitest";
import { type DataCard, dataCardText } from "../src/release/dataCard.js";
import { identityOfPage } from "../src/repair/identityOfPage.js";

const list = (name: string, use: BarListRef["use"] = "blocklist"): BarListRef => ({
  use,
  name,
  sha256: "ab".repeat(32),
  entries: { sha256: 1, pdq: 22, domain: 0, url: 3 },
});

const card: DataCard = {
  name: "a_name with `odd` *signs*",
  release: "r0",
  candidates: 9,
  kept: 5,
  rejected: 4,
  samplesPerShard: 1234,
  counts: { reason: { blocklisted: 4 }, source: {}, licence: {}, language: {}, query: {} },
  queries: 0,
  pictures: ["jpg"],
  shards: [],
  rejectedFiles: [],
  lists: [],
  settings: { side: "train", note: "```" },
  madeBy: "pairloom",
  makeAgain: "again",
};

it("a data card's page gives back what no tar tells", () => {
  const { name, release, samplesPerShard, settings, lists } = card;
  expect(identityOfPage(dataCardText(card))).toEqual({ name, release, samplesPerShard, settings, lists });
});

it("lists come back as they were, whatever their names", () => {
  const lists = [
    list("a|b.txt"),
    list("_x_ [1] <y>"),
    list("back\\slash |"),
    list("imagenet", "decontaminate"),
  ];
  expect(identityOfPage(dataCardText({ ...card, lists })).lists).toEqual(lists);
});

it("what a page doesn't tell wholly stays unknown: lists that are unknown or have names too long", () => {
  for (const lists of [null, [list("x".repeat(200))], [list("a"), list("y".repeat(200))]])
    expect(identityOfPage(dataCardText({ ...card, lists }))).not.toHaveProperty("lists");
  expect(identityOfPage("# else\n\n| blocklist | a | no row |\n")).toEqual({ name: "else" });
});
