import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packTar, surveyShards } from "../src/index.js";
import { makeSmallRelease, type SmallRelease } from "./smallRelease.js";

let root: string;
let folder: string;
let small: SmallRelease;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-survey-"));
  small = await makeSmallRelease(await openStore(root), 90);
  folder = join(root, "release");
});
afterAll(() => rm(root, { recursive: true }));

describe("a look into shards", () => {
  it("counts samples, bytes and characters as they are", async () => {
    const survey = await surveyShards(folder);
    const sizes = [...small.pictures.values()].map(({ length }) => length).sort((a, b) => a - b);
    const lengths = small.samples.map(({ caption }) => [...caption].length).sort((a, b) => a - b);
    const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
    expect(survey).toMatchObject({
      shards: Math.ceil(small.samples.length / 10),
      samples: small.samples.length,
      formats: { jpg: small.samples.length },
      pictureBytes: {
        least: sizes[0],
        median: sizes[sizes.length >> 1],
        most: sizes.at(-1),
        sum: sum(sizes),
      },
      captionCharacters: { least: lengths[0], most: lengths.at(-1), sum: sum(lengths) },
      quarantined: {},
    });
  });

  it("chooses by seed: the same each time, others for another seed, with their own bytes", async () => {
    const keys = async (seed: number) =>
      (await surveyShards(folder, { samples: 8, seed })).chosen.map(({ key }) => key);
    const first = await keys(1);
    expect(first).toHaveLength(8);
    expect([...first].sort()).toEqual(first);
    expect(await keys(1)).toEqual(first);
    expect(await keys(2)).not.toEqual(first);
    const { chosen } = await surveyShards(folder, { samples: 8, seed: 1 });
    for (const { key, image } of chosen) {
      expect(image.equals(small.pictures.get(key) as Buffer)).toBe(true);
      expect(image.buffer.byteLength).toBeLessThan(100_000);
    }
  });

  it("reads no more shards than it may, chosen by seed, or one tar alone", async () => {
    const some = await surveyShards(folder, { maxShards: 2, samples: 1000 });
    expect([some.shards, some.ofShards]).toEqual([2, Math.ceil(small.samples.length / 10)]);
    expect(new Set(some.chosen.map(({ shard }) => shard)).size).toBe(2);
    const one = await surveyShards(folder, { tar: "00001.tar", samples: 1000 });
    expect(one.chosen.map(({ key }) => key)).toEqual(
      small.samples.map(({ key }) => key).filter((key) => key.startsWith("00001")),
    );
  });

  it("counts repeated captions and what can't be used", async () => {
    const at = await mkdtemp(join(root, "odd-"));
    await cp(join(folder, "00000.tar"), join(at, "a.tar"));
    await cp(join(folder, "00000.tar"), join(at, "b.tar"));
    await writeFile(join(at, "c.tar"), packTar([{ name: "1.jpg", data: Buffer.from("x") }]));
    const survey = await surveyShards(at);
    expect(survey).toMatchObject({ samples: 20, repeatedCaptions: 10, quarantined: { no_text: 1 } });
  });

  it("of nothing usable is empty", async () => {
    const at = await mkdtemp(join(root, "empty-"));
    await writeFile(join(at, "a.tar"), packTar([]));
    const zeros = { least: 0, median: 0, p99: 0, most: 0, sum: 0 };
    expect(await surveyShards(at)).toMatchObject({ samples: 0, chosen: [], pictureBytes: zeros });
  });
});
