import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@pairloom/config";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { exportModel, initialParameters, parseModelConfig, readModel } from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "pairloom-damaged-"));
afterAll(() => rmSync(folder, { recursive: true }));

const config = parseModelConfig({
  embed_dim: 8,
  vision_cfg: { image_size: 32, patch_size: 16, width: 64, layers: 1 },
  text_cfg: { context_length: 4, vocab_size: 10, width: 64, heads: 1, layers: 1 },
});
const bytesOf = (format: "safetensors" | "pt"): Buffer => {
  const exported = exportModel(format, initialParameters(config, 0), config);
  return exported.kind === "file" ? Buffer.concat([...exported.parts]) : Buffer.alloc(0);
};
const originals = {
  safetensors: bytesOf("safetensors"),
  pt: bytesOf("pt"),
  torchscript: readFileSync(fileURLToPath(new URL("fixtures/pytorch/program.pt", import.meta.url))),
};
/** Where a format keeps what it says of itself; damage elsewhere is damage to numbers. */
const telling = {
  safetensors: (at: number) => at % 4200,
  pt: (at: number, size: number) => (at % 2 === 0 ? at % 6000 : size - 1 - (at % 4000)),
  torchscript: (at: number, size: number) => size - 1 - (at % 60_000),
};

test.each(Object.keys(originals) as (keyof typeof originals)[])(
  "a %s file with damaged bytes gives a model or an error that says so, and takes no more memory for it",
  async (format) => {
    const original = originals[format];
    const path = join(folder, `damaged.${format}`);
    writeFileSync(path, original);
    await readModel(path, { quickGelu: false });
    const before = process.resourceUsage().maxRSS;
    const place = fc.nat({ max: 2 ** 31 - 1 });
    const changes = fc.array(fc.tuple(place, fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const bytes = Buffer.from(original);
        for (const [at, value] of list) bytes[telling[format](at, bytes.length)] = value;
        writeFileSync(path, bytes);
        try {
          await readModel(path);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          refused++;
        }
      }),
      { numRuns: 100 },
    );
    expect(refused).toBeGreaterThan(25);
    // kilobytes; garbage of 100 files of 0.4 MB that wait to be collected included
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(200_000);
  },
);
