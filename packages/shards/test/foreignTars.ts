import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { blockBytes, encodeTarHeader } from "../src/index.js";
import { pictureOf } from "./smallRelease.js";

/** A member as any program may write it: null data make a folder. */
export type AnyMember = readonly [name: string, data: Buffer | string | null];

function member(name: string, data: Buffer, type: string): Buffer {
  const header = Buffer.alloc(blockBytes);
  encodeTarHeader(header, 0, name, data.length);
  header.write(type, 156, "latin1");
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  const padding = Buffer.alloc((blockBytes - (data.length % blockBytes)) % blockBytes);
  return Buffer.concat([header, data, padding]);
}

/** A pax record, whose length counts itself. */
function paxRecord(key: string, value: string): Buffer {
  const rest = Buffer.from(` ${key}=${value}\n`);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A tar as Python's tarfile pads one; names that are too long are written in GNU's form, or as pax. */
export function anyTar(members: readonly AnyMember[], long: "gnu" | "pax" = "gnu"): Buffer {
  const parts = members.flatMap(([name, given]) => {
    const data = Buffer.from(given ?? "");
    if (given === null) return [member(name, data, "5")];
    if (Buffer.byteLength(name) <= 100) return [member(name, data, "0")];
    const extension =
      long === "gnu"
        ? member("././@LongLink", Buffer.from(`${name}\0`), "L")
        : member("./PaxHeaders/long", paxRecord("path", name), "x");
    return [extension, member("cut", data, "0")];
  });
  const bytes = Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
  return Buffer.concat([bytes, Buffer.alloc((10240 - (bytes.length % 10240)) % 10240)]);
}

export const jpeg = pictureOf(1);
export const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const text = "a caption";
const record = JSON.stringify({ caption: text, url: "http://x/a.jpg" });
const pair = anyTar([
  ["a.jpg", jpeg],
  ["a.txt", text],
]);

/** What readers of the field make of a tar: samples that have both picture and text, and what a check has to name. */
export interface NamedTar {
  tar: Buffer;
  /** Keys of the samples that are used, in their order. */
  used: string[];
  /** What the check says, in its order; none where nothing is lost or mixed. */
  says?: RegExp[];
  /** Records that the samples have. */
  records?: (Record<string, unknown> | null)[];
  notes?: Record<string, number>;
  /** Keys of what webdataset makes of it, where these are others: the check names why. */
  elsewhere?: string[];
}

const withRecord = (json: string | Buffer): Buffer =>
  anyTar([
    ["a.jpg", jpeg],
    ["a.txt", text],
    ["a.json", Buffer.from(json)],
  ]);

export const namedTars: Record<string, NamedTar> = {
  plain: {
    tar: anyTar(
      ["000", "001"].flatMap((key) => [
        [`${key}.jpg`, jpeg],
        [`${key}.txt`, text],
        [`${key}.json`, record],
      ]),
    ),
    used: ["000", "001"],
  },
  dots: {
    tar: anyTar([
      ["22.05.jpg", jpeg],
      ["22.05.txt", text],
      ["22.06.jpg", jpeg],
      ["22.06.txt", text],
    ]),
    used: [],
    says: [/22: no picture: a key ends at the first dot, so 22\.05\.jpg is its “05\.jpg”/],
  },
  "dotted-folder": {
    tar: anyTar([
      ["some/22.0/1.jpg", jpeg],
      ["some/22.0/1.txt", text],
    ]),
    used: ["some/22.0/1"],
  },
  upper: {
    tar: anyTar([
      ["a.JPG", jpeg],
      ["a.TXT", text],
      ["b.JPEG", jpeg],
      ["b.txt", text],
    ]),
    used: ["a", "b"],
  },
  folders: {
    tar: anyTar([
      ["train", null],
      ["train/a.jpg", jpeg],
      ["train/a.txt", text],
      ["val/a.jpg", jpeg],
      ["val/a.txt", text],
    ]),
    used: ["train/a", "val/a"],
  },
  "dot-slash": {
    tar: anyTar([
      ["./", null],
      ["./a.jpg", jpeg],
      ["./a.txt", text],
    ]),
    used: ["./a"],
  },
  apart: {
    tar: anyTar([
      ["a.jpg", jpeg],
      ["b.jpg", jpeg],
      ["a.txt", text],
      ["b.txt", text],
    ]),
    used: [],
    says: [
      /a: no text/,
      /b: no text/,
      /the members of a stand apart/,
      /a: no picture/,
      /the members of b stand apart/,
      /b: no picture/,
    ],
  },
  twice: {
    tar: anyTar([
      ["a.jpg", jpeg],
      ["a.txt", text],
      ["a.jpg", png],
    ]),
    used: ["a"],
    says: [/a is there twice/, /a: no text/],
  },
  mac: {
    tar: anyTar([
      ["._a.jpg", "\0\x05\x16\x07".padEnd(64, "x")],
      ["a.jpg", jpeg],
      ["a.txt", text],
      ["__MACOSX/._a.jpg", "junk"],
      [".DS_Store", "junk"],
    ]),
    used: ["a"],
    notes: { macos_file: 3 },
  },
  "mac in a folder": {
    tar: anyTar([
      ["train/a.jpg", jpeg],
      ["train/._a.txt", "junk"],
      ["train/a.txt", text],
    ]),
    used: ["train/a"],
    notes: { macos_file: 1 },
    says: [/train\/\._a\.txt stands between the members of train\/a: webdataset makes two samples/],
    elsewhere: [],
  },
  meta: {
    tar: anyTar([
      ["__note__", "x"],
      ["__index__/a.jpg", jpeg],
      ["__index__/a.txt", text],
      ["a.jpg", jpeg],
      ["a.txt", text],
    ]),
    used: ["a"],
    says: [/__index__\/a\.jpg is no sample: readers take __…__ for notes/],
  },
  nan: {
    tar: withRecord('{"caption": "NaN", "similarity": NaN, "more": [Infinity, -Infinity]}'),
    used: ["a"],
    records: [{ caption: "NaN", similarity: null, more: [null, null] }],
  },
  "bom-json": {
    tar: withRecord(`\ufeff${record}`),
    used: ["a"],
    records: [JSON.parse(record) as Record<string, unknown>],
  },
  "latin1-txt": {
    tar: anyTar([
      ["a.jpg", jpeg],
      ["a.txt", Buffer.from("café", "latin1")],
      ["a.json", record],
    ]),
    used: [],
    says: [/a: KEY\.txt is not UTF-8/],
    elsewhere: ["a"],
  },
  "cls-only": {
    tar: anyTar([
      ["a.jpg", jpeg],
      ["a.cls", "7"],
    ]),
    used: [],
    says: [/a: no text/],
  },
  "json-list": { tar: withRecord('["x"]'), used: ["a"], records: [null], notes: { record_dropped: 1 } },
  "json-scalar": { tar: withRecord("3"), used: ["a"], records: [null], notes: { record_dropped: 1 } },
  "json-empty": { tar: withRecord(""), used: ["a"], records: [null], notes: { record_dropped: 1 } },
  "json-trailing": { tar: withRecord('{"a": 1}\n\n'), used: ["a"], records: [{ a: 1 }] },
  "json-broken": {
    tar: withRecord('{"a": '),
    used: ["a"],
    records: [null],
    says: [/a: KEY\.json can't be read; readers go on without it/],
  },
  "json-latin1": {
    tar: withRecord(Buffer.from('{"url":"http://x.example/café"}', "latin1")),
    used: ["a"],
    records: [null],
    says: [/a: KEY\.json is not UTF-8; readers go on without it/],
  },
  "json-large": {
    tar: withRecord(JSON.stringify({ exif: "x".repeat(5 << 20) })),
    used: ["a"],
    records: [null],
    says: [/a: KEY\.json has more than 4194304 bytes; readers go on without it/],
  },
  "no text, and a list": {
    tar: anyTar([
      ["a.jpg", jpeg],
      ["a.json", '["x"]'],
    ]),
    used: [],
    says: [/a: no text, and KEY\.json is no object/],
  },
  long: {
    tar: anyTar([
      [`${"x".repeat(180)}.jpg`, jpeg],
      [`${"x".repeat(180)}.txt`, text],
    ]),
    used: ["x".repeat(180)],
  },
  pax: {
    tar: anyTar(
      [
        [`${"é".repeat(120)}.jpg`, jpeg],
        [`${"é".repeat(120)}.txt`, text],
      ],
      "pax",
    ),
    used: ["é".repeat(120)],
  },
  gz: {
    tar: gzipSync(pair),
    used: [],
    says: [/it is no tar but compressed with gzip\. Unpack it/],
    elsewhere: ["a"],
  },
  "png-named-jpg": {
    tar: anyTar([
      ["a.jpg", png],
      ["a.txt", text],
    ]),
    used: ["a"],
  },
  "empty-txt": {
    tar: anyTar([
      ["a.jpg", jpeg],
      ["a.txt", ""],
    ]),
    used: ["a"],
  },
  seg: {
    tar: anyTar([
      ["a.jpg", jpeg],
      ["a.seg.png", png],
      ["a.txt", text],
    ]),
    used: ["a"],
  },
  "no-end": {
    tar: pair.subarray(0, 3 * blockBytes + Math.ceil(jpeg.length / blockBytes) * blockBytes),
    used: ["a"],
    says: [/the blocks that end a tar are missing/],
  },
  "two-tars": {
    tar: Buffer.concat([pair, pair]),
    used: ["a"],
    says: [/another tar follows after its end/],
  },
  "cut-off": {
    tar: pair.subarray(0, 700),
    used: [],
    says: [/the file ends in the middle of a member/],
  },
};
