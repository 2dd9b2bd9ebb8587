import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseModelConfig } from "@pairloom/clip";
import { packTar, type TarMember } from "@pairloom/shards";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRelease } from "../src/data/openRelease.js";
import { openTrainingData } from "../src/data/trainingData.js";
import { resolveTrainSettings } from "../src/settings/trainSettings.js";
import { smallModel } from "./smallRelease.js";

let root: string;
let picture: Buffer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-records-"));
  const create = { width: 20, height: 20, channels: 3, background: "red" } as const;
  picture = await sharp({ create }).png().toBuffer();
});
afterAll(() => rm(root, { recursive: true }));

const config = parseModelConfig(smallModel);

// Shards of other programs hold such records beside sound pairs.
test.each<[name: string, record: string | Buffer, dropped: number]>([
  [
    "NaN and Infinity, as Python writes them",
    '{"caption": "a red square", "punsafe": NaN, "p": -Infinity}',
    0,
  ],
  ["a BOM", '\ufeff{"caption": "x"}', 0],
  ["a space at the end", '{"a": 1}\n', 0],
  ["a list", '[{"bbox": [1, 2]}]', 16],
  ["a scalar", "3", 16],
  ["nothing", "", 16],
  ["half of an object", '{"a": ', 16],
  ["Latin-1", Buffer.from('{"url": "http://x.example/café"}', "latin1"), 16],
])("all of 16 pairs are trained from whose records hold %s", async (name, record, dropped) => {
  const folder = await mkdtemp(join(root, "release-"));
  const members = Array.from({ length: 16 }, (_, i) => String(i).padStart(4, "0")).flatMap(
    (key): TarMember[] => [
      { name: `${key}.png`, data: picture },
      { name: `${key}.txt`, data: Buffer.from(`caption ${key}`) },
      { name: `${key}.json`, data: Buffer.from(record) },
    ],
  );
  await writeFile(join(folder, "00000.tar"), packTar(members));
  const settings = { data: folder, out: "none", steps: 1, batchSize: 4, dataWorkers: 0 };
  const lines: string[] = [];
  const release = await openRelease(folder);
  const data = await openTrainingData(release, resolveTrainSettings(settings), config, (line) =>
    lines.push(line),
  );
  expect([data.samples, data.skipped]).toEqual([16, 0]);
  const said =
    dropped === 0
      ? []
      : [
          expect.stringMatching(
            `^${dropped} pairs are used without their records \\(first 0000: KEY\\.json .*\\)$`,
          ) as string,
        ];
  expect(lines).toEqual(said);
  const batches = data.batches(0, null);
  expect((await batches.next()).value?.texts).toHaveLength(4);
  await batches.return();
});
