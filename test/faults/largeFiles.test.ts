import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { initialParameters, parseModelConfig } from "@pairloom/clip";
import { LocalStore, sha256OfFile } from "@pairloom/storage";
import { checkpointFiles, loadNewestCheckpoint } from "@pairloom/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isLong } from "./killCount.js";
import { saveCheckpoint } from "../../packages/training/src/run/checkpoint.js";
import { smallModel } from "../../packages/training/test/smallRelease.js";

/** Files beyond 2 GiB, whose zeros take no room on the disk. */
const numbers = 537_000_000;
const bytes = 4 * numbers;
const enough = freemem() > 8 * 2 ** 30;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "large-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Zeros behind a beginning, and a number at their end. */
async function makeSparse(path: string, beginning: Uint8Array, last: number): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.write(beginning, 0, beginning.length, 0);
    await file.write(new Uint8Array(Float32Array.of(last).buffer), 0, 4, beginning.length + bytes - 4);
  } finally {
    await file.close();
  }
}

function safetensorsHeader(): Buffer {
  const entry = { dtype: "F32", shape: [numbers], data_offsets: [0, bytes] };
  const json = Buffer.from(JSON.stringify({ "exp_avg.large": entry }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json]);
}

describe.skipIf(!enough)(
  `files beyond 2 GiB${enough ? "" : " (skipped: less than 8 GiB of memory are free)"}`,
  () => {
    it("are no damage to a checkpoint: the run goes on from it", async () => {
      const config = parseModelConfig({
        ...smallModel,
        text_cfg: { ...smallModel.text_cfg, vocab_size: 100 },
      });
      const run = join(folder, "run");
      await mkdir(join(run, "checkpoints"), { recursive: true });
      const checkpoint = { step: 3, cursor: null, model: initialParameters(config, 1), optimizer: new Map() };
      const { manifest, model, optimizer } = await saveCheckpoint(run, checkpoint, {});
      await makeSparse(optimizer, safetensorsHeader(), 7);
      const [modelSum, optimizerSum] = [await sha256OfFile(model), await sha256OfFile(optimizer)];
      const digests = { model: modelSum, optimizer: optimizerSum };
      await writeFile(manifest, JSON.stringify({ step: 3, cursor: null, ...digests }));
      const before = await readdir(join(run, "checkpoints"));
      const newest = await loadNewestCheckpoint(run, config, (line) => expect.fail(line));
      expect(newest?.step).toBe(3);
      const { data } = newest!.optimizer.get("exp_avg.large")!;
      expect([data.length, data[0], data[numbers - 1]]).toEqual([numbers, 0, 7]);
      expect(await readdir(join(run, "checkpoints"))).toEqual(before);
      // a table in one piece is written and hashed as well: two gigabytes of it to the disk
      if (!isLong) return;
      const again = new Map([["exp_avg.large", newest!.optimizer.get("exp_avg.large")!]]);
      await saveCheckpoint(run, { ...checkpoint, optimizer: again, step: 4 }, {});
      expect((await stat(checkpointFiles(run, 4).optimizer)).size).toBeGreaterThan(bytes);
      expect((await loadNewestCheckpoint(run, config, (line) => expect.fail(line)))?.step).toBe(4);
    });

    it("are read from a store whole", async () => {
      await makeSparse(join(folder, "large.bin"), Buffer.from("begins"), 7);
      const read = await (await LocalStore.open(folder)).get("large.bin");
      expect(read.length).toBe(bytes + 6);
      expect(read.readFloatLE(bytes + 2)).toBe(7);
    });
  },
);
