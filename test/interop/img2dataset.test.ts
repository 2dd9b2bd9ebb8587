import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { encodeFormats } from "@pairloom/config";
import { imageSettings, parsePythonJson, resizeModes } from "@pairloom/config";
import { openCodecs, processImage, setupSharp } from "@pairloom/image";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawZoo, meanDifference, type ZooPicture, zooLacks } from "./pictureZoo.js";

const python = process.env.PAIRLOOM_IMG2DATASET ?? "";
const missing =
  python === ""
    ? "needs Python with img2dataset (PAIRLOOM_IMG2DATASET names it; environment.sh img2dataset makes it)"
    : null;
if (missing !== null) console.log(`img2dataset beside pairloom fetch is skipped: ${missing}`);
else if (zooLacks.length > 0) console.log(`The picture zoo is without those of ${zooLacks.join(", ")}`);

const codecs = await openCodecs();
if (codecs === null) console.log("Pictures by faster codecs are skipped: this machine has none");
const ways = [
  { by: "sharp alone", codecs: null },
  ...(codecs === null ? [] : [{ by: "faster codecs", codecs }]),
];

const cli = fileURLToPath(new URL("../../services/cli/bin/pairloom.js", import.meta.url));
const script = fileURLToPath(new URL("img2dataset_reference.py", import.meta.url));

function ask<T>(command: string, ...args: string[]): T {
  const done = spawnSync(python, [script, command, ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    env: { ...process.env, NO_ALBUMENTATIONS_UPDATE: "1" },
  });
  if (done.status !== 0) throw new Error(done.stderr);
  return parsePythonJson(done.stdout, { integers: "bigint" }) as T;
}

/** Runs a program to its end. */
function run(command: string, args: string[]): Promise<void> {
  const child = spawn(command, args, { env: { ...process.env, NO_ALBUMENTATIONS_UPDATE: "1" } });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.join(" ")}\n${said}`)),
    );
  });
}

interface Shard {
  types: [name: string, type: string][];
  rows: Record<string, unknown>[];
  members: string[];
  texts: Record<string, string>;
  records: Record<string, Record<string, unknown>>;
  recordKeys: Record<string, string[]>;
  stats: Record<string, unknown>;
}

describe.skipIf(missing !== null)("pairloom fetch beside img2dataset", () => {
  let dir: string;
  let zoo: ZooPicture[];
  let server: Server;
  beforeAll(async () => {
    setupSharp();
    dir = await mkdtemp(join(tmpdir(), "zoo-"));
    zoo = await drawZoo(dir, python);
    server = createServer((request, response) => {
      const name = basename(request.url ?? "");
      readFile(join(dir, name)).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(async () => {
    server.close();
    await rm(dir, { recursive: true, force: true });
  });

  test.each(ways)(
    "every animal of the zoo comes out upright, in sRGB, on white, its first frame ($by)",
    async ({ codecs }) => {
      const wrong: string[] = [];
      for (const { file, looksLike, within } of zoo) {
        const settings = imageSettings.parse({ resizeMode: "no", encodeFormat: "png", encodeQuality: 1 });
        const image = await processImage(await readFile(join(dir, file)), settings, { codecs });
        const difference =
          image.status === "ok" ? await meanDifference(image.bytes, join(dir, looksLike)) : Infinity;
        if (difference > within) wrong.push(`${file}: ${image.status === "ok" ? difference : image.reason}`);
      }
      expect(wrong).toEqual([]);
      expect(zoo.length).toBeGreaterThanOrEqual(24);
    },
  );

  test.each(ways)("a picture that breaks off is refused, whatever its format ($by)", async ({ codecs }) => {
    for (const { file } of zoo) {
      const bytes = await readFile(join(dir, file));
      const image = await processImage(
        bytes.subarray(0, Math.floor(bytes.length * 0.6)),
        imageSettings.parse({}),
        { codecs },
      );
      // Of an animation the first frame may be whole before that.
      if (!file.includes("animated"))
        expect(image, file).toMatchObject({ status: "failed", reason: "decode_truncated" });
    }
  });

  test("every resize mode gives img2dataset's sizes and cuts its window", async () => {
    const sizes = [
      [401, 301],
      [301, 401],
      [97, 64],
      [900, 60],
      [333, 499],
      [224, 224],
      [100, 100],
      [511, 700],
      [1023, 641],
    ];
    const files: string[] = [];
    for (const [width, height] of sizes) {
      const path = join(dir, `size-${width}x${height}.png`);
      await sharp(await readFile(join(dir, "base.png")))
        .resize(width, height, { fit: "fill" })
        .png()
        .toFile(path);
      files.push(path);
    }
    const jobs = files.flatMap((file) =>
      resizeModes.flatMap((mode) =>
        [false, true].flatMap((onlyIfBigger) =>
          [100, 224].map((size) => ({
            file,
            mode,
            onlyIfBigger,
            size,
            out: `${file}-${mode}-${size}-${onlyIfBigger}.png`,
          })),
        ),
      ),
    );
    const path = join(dir, "jobs.json");
    await writeFile(path, JSON.stringify(jobs));
    const theirs = ask<[number, number, number, number, string | null][]>("resize", path);
    let worst = 0;
    for (const [at, { file, mode, onlyIfBigger, size, out }] of jobs.entries()) {
      const settings = imageSettings.parse({
        imageSize: size,
        resizeMode: mode,
        resizeOnlyIfBigger: onlyIfBigger,
        encodeFormat: "png",
        encodeQuality: 1,
        computePdq: at % 2 === 0,
      });
      const image = await processImage(await readFile(file), settings, { codecs });
      if (image.status !== "ok") throw new Error(`${out}: ${image.reason}`);
      const { width, height, originalWidth, originalHeight } = image;
      expect([width, height, originalWidth, originalHeight, null], out).toEqual(theirs[at]);
      const difference = await meanDifference(image.bytes, out);
      expect(difference, out).toBeLessThan(4);
      worst = Math.max(worst, difference);
    }
    // The measure can tell: one pixel aside is far more than any two scalings differ.
    const large = await readFile(join(dir, "size-224x224.png"));
    const aside = (left: number) =>
      sharp(large).extract({ left, top: 0, width: 200, height: 224 }).png().toBuffer();
    expect(await meanDifference(await aside(0), await aside(1))).toBeGreaterThan(2 * worst);
  });

  describe.each(["webdataset", "files", "parquet"])("an output folder of the format %s", (format) => {
    let theirs: Record<string, Shard>;
    let ours: Record<string, Shard>;
    beforeAll(async () => {
      const { port } = server.address() as AddressInfo;
      const names = [
        "base.png",
        "pillow-grey.jpg",
        "nowhere.jpg",
        "sharp-progressive.jpg",
        "jobs-are-none.txt",
        "cwebp.webp",
        "pillow-alpha.png",
      ];
      const rows = names.map((name, n) => ({
        url: `http://127.0.0.1:${port}/${name}`,
        text: n === 5 ? null : `Größe ${n}, "quoted"`,
        n,
        score: n / 4,
      }));
      await writeFile(join(dir, "jobs-are-none.txt"), "no picture");
      const list = join(dir, "list.jsonl");
      await writeFile(list, rows.map((row) => JSON.stringify(row)).join("\n"));
      const options = (folder: string) => [
        `--url_list=${list}`,
        "--input_format=jsonl",
        "--caption_col=text",
        "--save_additional_columns=[n,score]",
        `--output_folder=${folder}`,
        `--output_format=${format}`,
        "--number_sample_per_shard=4",
        "--image_size=128",
        "--thread_count=4",
        "--compute_hash=sha512",
      ];
      await run(join(dirname(python), "img2dataset"), options(join(dir, `theirs-${format}`)));
      const more = ["--allow_private=127.0.0.0/8", "--host_gap_ms=0", "--address_gap_ms=0"];
      await run(process.execPath, [cli, "fetch", ...options(join(dir, `ours-${format}`)), ...more]);
      theirs = ask("describe", join(dir, `theirs-${format}`));
      ours = ask("describe", join(dir, `ours-${format}`));
    });

    test("has the same shards, columns, types, keys and members", () => {
      expect(Object.keys(ours)).toEqual(Object.keys(theirs));
      for (const [name, shard] of Object.entries(ours)) {
        const { types, members, texts, recordKeys } = theirs[name]!;
        expect(shard.types).toEqual(types);
        expect(shard.members).toEqual(members);
        expect(shard.texts).toEqual(texts);
        expect(shard.recordKeys).toEqual(recordKeys);
      }
    });

    test("has the same rows but for the words of an error", () => {
      for (const [name, shard] of Object.entries(ours)) {
        const plain = (rows: Record<string, unknown>[]) =>
          rows.map(({ error_message, ...row }) => ({ ...row, failed: error_message !== null }));
        expect(plain(shard.rows)).toEqual(plain(theirs[name]!.rows));
      }
    });

    test("has the same statistics but for times and words", () => {
      for (const [name, { stats }] of Object.entries(ours)) {
        const expected = theirs[name]!.stats;
        expect(Object.keys(stats)).toEqual(Object.keys(expected));
        for (const field of ["count", "successes", "failed_to_download", "failed_to_resize"])
          expect(stats[field]).toBe(expected[field]);
        expect((stats["status_dict"] as Record<string, number>)["success"]).toBe(
          (expected["status_dict"] as Record<string, number>)["success"],
        );
      }
    });
  });

  test("columns of a parquet list keep their kinds and values, in the shards' parquet and in their records", async () => {
    const { port } = server.address() as AddressInfo;
    const list = join(dir, "kinds.parquet");
    const columns = ask<string[]>("kinds", list, `http://127.0.0.1:${port}/base.png`);
    expect(columns.length).toBeGreaterThan(11);
    const options = (folder: string) => [
      `--url_list=${list}`,
      "--input_format=parquet",
      "--caption_col=text",
      `--save_additional_columns=[${columns.join(",")}]`,
      `--output_folder=${folder}`,
      "--output_format=webdataset",
      "--image_size=64",
      "--thread_count=2",
    ];
    await run(join(dirname(python), "img2dataset"), options(join(dir, "theirs-kinds")));
    const more = ["--allow_private=127.0.0.0/8", "--host_gap_ms=0", "--address_gap_ms=0"];
    await run(process.execPath, [cli, "fetch", ...options(join(dir, "ours-kinds")), ...more]);
    const { "00000": theirs } = ask<Record<string, Shard>>("describe", join(dir, "theirs-kinds"));
    const { "00000": ours } = ask<Record<string, Shard>>("describe", join(dir, "ours-kinds"));
    expect(ours!.types).toEqual(theirs!.types.map(([name, type]) => [name, type.replace("large_", "")]));
    expect(ours!.rows).toEqual(theirs!.rows);
    expect(Object.keys(ours!.records).length).toBe(3);
    expect(ours!.records).toEqual(theirs!.records);
  });

  test("files that need nothing done are kept byte for byte with --skip_reencode, others are not", async () => {
    for (const [file, format, kept] of [
      ["pillow-progressive.jpg", "jpg", true],
      ["base.png", "png", true],
      ["base.png", "jpg", false],
      ["sharp-orientation-6.jpg", "jpg", false],
      ["pillow-alpha.png", "png", false],
    ] as [string, (typeof encodeFormats)[number], boolean][]) {
      const bytes = await readFile(join(dir, file));
      const wish = { resizeMode: "no", skipReencode: true, encodeFormat: format, encodeQuality: 6 };
      const image = await processImage(bytes, imageSettings.parse(wish), { codecs });
      expect(image.status === "ok" && image.bytes.equals(bytes), file).toBe(kept);
    }
  });
});
