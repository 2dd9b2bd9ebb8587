import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  decodeImage,
  type HostTensor,
  preprocessImage,
  readSafetensorsFile,
  type TensorFile,
  writeSafetensors,
} from "@pairloom/clip";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastJson, pairloom, startPairloom } from "./pairloom.js";
import { smallModel } from "./smallModel.js";

/** Weights, inputs and features by open_clip; see the README there. */
const parity = fileURLToPath(new URL("../../packages/clip/test/fixtures/parity/", import.meta.url));
let folder: string;
let model: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pairloom-embed-"));
  model = await smallModel(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const embed = (...args: string[]) => pairloom(["embed", "--engine", "wasm", "--json", ...args]);

function expectClose(found: HostTensor | undefined, expected: HostTensor, tolerance: number): void {
  expect(found?.shape).toEqual(expected.shape);
  const [a, b] = [found!.data as Float32Array, expected.data as Float32Array];
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(tolerance);
}

describe.each(["tiny_vit", "tiny_rn"])("%s, against open_clip's numbers", (name) => {
  let reference: TensorFile;
  let weights: string[];
  beforeAll(async () => {
    reference = await readSafetensorsFile(`${parity}${name}.reference.safetensors`);
    const { config, quick_gelu } = JSON.parse(await readFile(`${parity}${name}.json`, "utf8")) as {
      config: object;
      quick_gelu: boolean;
    };
    await writeFile(join(folder, `${name}.json`), JSON.stringify({ ...config, quick_gelu }));
    weights = [
      "--model",
      join(folder, `${name}.json`),
      "--checkpoint",
      `${parity}${name}.weights.safetensors`,
    ];
    const pixels = new Map([["whatever", reference.get("in.images")!]]);
    await writeFile(join(folder, `${name}.pixels`), writeSafetensors(pixels));
    const { shape, data } = reference.get("in.tokens")!;
    const [rows, length] = shape as [number, number];
    const ids = Array.from({ length: rows }, (_, row) =>
      Array.from((data as BigInt64Array).slice(row * length, (row + 1) * length), Number),
    );
    await writeFile(join(folder, `${name}.ids`), JSON.stringify(ids));
  });

  it("pixels and token ids give its features, normalised, in order, whatever the batch", async () => {
    const out = join(folder, `${name}.features`);
    const ran = await embed(...weights, "--pixels", join(folder, `${name}.pixels`), "--token-ids", join(folder, `${name}.ids`), "--batch-size", "3", "--out", out); // prettier-ignore
    expect(ran.code, ran.stderr).toBe(0);
    expect(lastJson(ran)).toMatchObject({
      out,
      width: 32,
      images: { count: 8, skipped: [] },
      texts: { count: 8 },
    });
    const features = await readSafetensorsFile(out);
    expectClose(features.get("image_features"), reference.get("eval.image_features")!, 2e-5);
    expectClose(features.get("text_features"), reference.get("eval.text_features")!, 2e-5);
  });
});

describe("pictures and captions", () => {
  let pictures: string;
  const colours: Record<string, string> = {
    "b.png": "#d22",
    "a/z.jpg": "#2a3",
    "a/deep/x.webp": "#25d",
    "c.PNG": "#eee",
  };
  const inOrder = ["a/deep/x.webp", "a/z.jpg", "b.png", "c.PNG"];
  beforeAll(async () => {
    pictures = join(folder, "pictures");
    await mkdir(join(pictures, "a/deep"), { recursive: true });
    for (const [name, background] of Object.entries(colours))
      await sharp({ create: { width: 30, height: 20, channels: 3, background } })
        .toFormat(/png$/i.test(name) ? "png" : name.endsWith("jpg") ? "jpeg" : "webp")
        .toFile(join(pictures, name));
    await writeFile(join(pictures, "a/broken.jpg"), "no picture");
    await writeFile(join(pictures, "notes.txt"), "no picture either");
  });

  it("rows follow the sorted paths, which a file beside names; what can't be read is named and has no row", async () => {
    const out = join(folder, "pictures.safetensors");
    const ran = await embed(...model, "--images", pictures, "--out", out, "--batch-size", "2");
    expect(ran.code, ran.stderr).toBe(0);
    const said = lastJson<{ paths: string; images: { skipped: { path: string }[] }; texts: null }>(ran);
    expect(said).toMatchObject({ images: { count: 4 }, texts: null });
    expect(said.images.skipped.map(({ path }) => path)).toEqual(["a/broken.jpg"]);
    expect(ran.stderr).toContain("a/broken.jpg");
    expect(JSON.parse(await readFile(said.paths, "utf8"))).toEqual(inOrder);

    // the same pictures as pixels
    const pixels = new Float32Array(4 * 3 * 16 * 16);
    for (const [row, name] of inOrder.entries()) {
      const image = await decodeImage(await readFile(join(pictures, name)));
      const made = preprocessImage(image, { size: 16 });
      made.forEach((value, i) => (pixels[(row * 3 + (i % 3)) * 256 + Math.floor(i / 3)] = value));
    }
    const pixelFile = join(folder, "same.safetensors");
    await writeFile(
      pixelFile,
      writeSafetensors(new Map([["pixels", { dtype: "F32", shape: [4, 3, 16, 16], data: pixels }]])),
    );
    const same = await embed(...model, "--pixels", pixelFile, "--out", join(folder, "same.features"));
    expect(same.code, same.stderr).toBe(0);
    const [a, b] = [await readSafetensorsFile(out), await readSafetensorsFile(join(folder, "same.features"))];
    expectClose(a.get("image_features"), b.get("image_features")!, 1e-5);
    expect([...a.keys()]).toEqual(["image_features"]);
  });

  it("captions give what their ids give; empty ones keep their row, long ones are cut and counted", async () => {
    const captions = join(folder, "captions.txt");
    await writeFile(captions, `a red circle\r\n\n${"very ".repeat(30)}long\n`);
    const out = join(folder, "captions.safetensors");
    const ran = await embed(...model, "--captions", captions, "--out", out);
    expect(ran.code, ran.stderr).toBe(0);
    expect(lastJson(ran)).toMatchObject({ images: null, texts: { count: 3, truncated: 1 }, paths: null });
    const ids = join(folder, "ids.json");
    await writeFile(ids, JSON.stringify([[49406, 320, 736, 7117, 49407], [49406, 49407], [49406, ...new Array<number>(8).fill(1070), 49407]])); // prettier-ignore
    const same = await embed(...model, "--token-ids", ids, "--out", join(folder, "ids.features"));
    expect(same.code, same.stderr).toBe(0);
    const [a, b] = [await readSafetensorsFile(out), await readSafetensorsFile(join(folder, "ids.features"))];
    expectClose(a.get("text_features"), b.get("text_features")!, 1e-6);
  });
});

describe("what is wrong is named, and leaves nothing behind", () => {
  const files = async () => (await readdir(folder)).sort();
  async function failure(...args: string[]): Promise<{ code: string; message: string }> {
    const before = await files();
    const ran = await embed(...args, "--out", join(folder, "never.safetensors"));
    expect(ran.code, `${ran.stdout}${ran.stderr}`).not.toBe(0);
    expect(await files()).toEqual(before);
    return lastJson<{ error: { code: string; message: string } }>(ran).error;
  }

  it("pixels with a NaN in a later batch, token ids out of range beside good pixels, no input at all", async () => {
    const data = new Float32Array(6 * 3 * 256);
    const good = join(folder, "good.safetensors");
    await writeFile(
      good,
      writeSafetensors(new Map([["image", { dtype: "F32", shape: [6, 3, 16, 16], data }]])),
    );
    data[4 * 768 + 9] = NaN;
    const bad = join(folder, "nan.safetensors");
    await writeFile(
      bad,
      writeSafetensors(new Map([["image", { dtype: "F32", shape: [6, 3, 16, 16], data }]])),
    );
    const ids = join(folder, "bad-ids.json");
    await writeFile(ids, "[[49406, 50000, 49407]]");
    expect(await failure(...model, "--pixels", bad, "--batch-size", "2")).toMatchObject({
      code: "pixels_not_finite",
    });
    const words = await failure(...model, "--pixels", good, "--token-ids", ids);
    expect(words).toMatchObject({ code: "token_ids_invalid" });
    expect(words.message).toContain("got 50000");
    expect((await failure(...model)).code).toBe("nothing_to_embed");
    expect((await failure(...model, "--pixels", join(folder, "none"))).code).toBe("input_missing");
  });

  it("an output that is there stays, and a killed run leaves none", async () => {
    const out = join(folder, "there.safetensors");
    await copyFile(join(folder, "good.safetensors"), out);
    const ran = await embed(...model, "--pixels", join(folder, "good.safetensors"), "--out", out);
    expect(lastJson(ran)).toMatchObject({ error: { code: "file_exists" } });
    expect(await readFile(out)).toEqual(await readFile(join(folder, "good.safetensors")));

    const many = join(folder, "many.txt");
    await writeFile(many, "a line of text\n".repeat(200_000));
    const killed = join(folder, "killed.safetensors");
    const child = startPairloom(["embed", "--engine", "wasm", ...model, "--captions", many, "--out", killed]);
    await new Promise<void>((resolve) =>
      child.stderr!.on("data", (said) => String(said).includes("embedded") && resolve()),
    );
    const ended = new Promise((resolve) => child.on("close", resolve));
    child.kill("SIGKILL");
    await ended;
    expect(await files()).not.toContain("killed.safetensors");
  });
});
