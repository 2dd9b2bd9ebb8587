import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  openShards,
  packTar,
  type Repair,
  scanTar,
  type TarMember,
  type Verification,
} from "@pairloom/shards";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastJson, pairloom } from "../road/pairloom.js";
import { smallModel } from "../road/smallModel.js";

const python = process.env.PAIRLOOM_IMG2DATASET ?? "";
const missing =
  python === ""
    ? "needs Python with img2dataset (PAIRLOOM_IMG2DATASET names it; environment.sh img2dataset makes it)"
    : null;
if (missing !== null) console.log(`img2dataset's shards in our readers are skipped: ${missing}`);

const script = fileURLToPath(new URL("img2datasetShards_reference.py", import.meta.url));
const pictures = 40;
/** Of these the server has nothing, or no picture. */
const lost = new Set([3, 17, 30]);
const noPicture = new Set([8]);
const kept = pictures - lost.size - noPicture.size;
/** Without looking at it: what is no picture, too, and each in its own format under the name of a jpg. */
const asFetched = "jpg-as-fetched";
const keptIn = (mode: string) => (mode === asFetched ? pictures - lost.size : kept);
const captionOf = (i: number) => `Zeichnung ${i}, "größer" als ${i - 1} – 日本`;

let root: string;
let server: Server;
let list: string;
beforeAll(async () => {
  if (missing !== null) return;
  root = await mkdtemp(join(tmpdir(), "pairloom-i2d-"));
  const drawn = await Promise.all(
    Array.from({ length: pictures }, (_, i) => {
      const background = { r: (i * 53) % 256, g: (i * 97) % 256, b: (i * 29) % 256 };
      const image = sharp({ create: { width: 60 + i * 5, height: 200 - i * 3, channels: 3, background } });
      return (i % 3 === 0 ? image.png() : i % 3 === 1 ? image.webp() : image.jpeg()).toBuffer();
    }),
  );
  server = createServer((request, response) => {
    const i = Number(/(\d+)/.exec(request.url ?? "")?.[1]);
    if (noPicture.has(i)) response.end("no picture");
    else if (lost.has(i) || drawn[i] === undefined) response.writeHead(404).end();
    else response.end(drawn[i]);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  list = join(root, "list.jsonl");
  const rows = drawn.map((_, i) =>
    JSON.stringify({ url: `http://127.0.0.1:${port}/${i}`, text: captionOf(i) }),
  );
  await writeFile(list, rows.join("\n"));
});
afterAll(async () => {
  server?.close();
  if (root !== undefined) await rm(root, { recursive: true, force: true });
});

/** Lets img2dataset fetch the list into a new folder. */
async function fetchAll(name: string, ...options: string[]): Promise<string> {
  const folder = join(root, name);
  const args = [`--url_list=${list}`, "--input_format=jsonl", "--caption_col=text", `--output_folder=${folder}`, "--number_sample_per_shard=15", "--image_size=64", "--thread_count=4", "--processes_count=1", ...options]; // prettier-ignore
  const child = spawn(join(dirname(python), "img2dataset"), args, {
    env: { ...process.env, NO_ALBUMENTATIONS_UPDATE: "1" },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk.toString())); // prettier-ignore
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) throw new Error(said);
  return folder;
}

async function copy(folder: string): Promise<string> {
  const at = await mkdtemp(join(root, "copy-"));
  await cp(folder, at, { recursive: true });
  return at;
}

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

/** Members by shard as Python's tarfile finds them. */
function membersOf(folder: string): Record<string, Record<string, string>> {
  const done = spawnSync(python, [script, folder], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout) as Record<string, Record<string, string>>;
}

/** The result of a command of `pairloom shards`, which is the first line that it prints. */
async function shards<T>(...args: string[]): Promise<{ code: number | null; result: T }> {
  const ran = await pairloom(["shards", ...args, "--json"]);
  return { code: ran.code, result: JSON.parse(ran.stdout.split("\n")[0] ?? "") as T };
}

async function repack(path: string, change: (members: TarMember[]) => TarMember[]): Promise<void> {
  const bytes = await readFile(path);
  async function* whole() {
    yield bytes;
  }
  const members: TarMember[] = [];
  for await (const { name, data } of scanTar(whole())) members.push({ name, data });
  await writeFile(path, packTar(change(members)));
}

const editText = async (path: string, change: (text: string) => string) =>
  writeFile(path, change(await readFile(path, "utf8")));

describe.skipIf(missing !== null)("img2dataset's shards, as they are", () => {
  const modes: [string, string[]][] = [
    ["jpg", []],
    ["png", ["--encode_format=png", "--encode_quality=4", "--resize_mode=keep_ratio"]],
    ["webp", ["--encode_format=webp", "--resize_mode=center_crop", "--skip_reencode=True"]],
    [asFetched, ["--disable_all_reencoding=True", "--compute_hash=md5"]],
  ];
  const folders = new Map<string, string>();
  beforeAll(async () => {
    for (const [name, options] of modes)
      folders.set(name, await fetchAll(name, "--output_format=webdataset", ...options));
  });
  const folderOf = (name: string) => folders.get(name) as string;

  it.each(modes.map(([name]) => [name]))("%s: our reader finds each sample with its bytes", async (name) => {
    const expected = membersOf(folderOf(name));
    const reader = await openShards(folderOf(name));
    let samples = 0;
    for await (const { key, extension, image, text, json } of reader) {
      const members = expected[`${key.slice(0, 5)}.tar`] ?? {};
      expect(sha256(image)).toBe(members[`${key}.${extension}`]);
      expect(sha256(text)).toBe(members[`${key}.txt`]);
      expect(json).toMatchObject({ key, status: "success", caption: text });
      samples++;
    }
    expect(samples).toBe(keptIn(name));
    expect(reader.quarantined).toEqual({});
  });

  it.each([["jpg"], ["png"], ["webp"]])("%s: verify finds them whole", async (name) => {
    const { code, result } = await shards<Verification>("verify", folderOf(name));
    expect(result).toEqual({
      layout: "plain",
      problems: [],
      found: 0,
      shards: 3,
      samples: kept,
      rejected: 0,
    });
    expect(code).toBe(0);
  });

  it.each([
    ["decoding", []],
    ["by first bytes", ["--no-decode"]],
  ])("verify finds what img2dataset took for a picture unseen, and no more: %s", async (_title, args) => {
    const { code, result } = await shards<Verification>("verify", folderOf(asFetched), ...args);
    expect(result.problems).toMatchObject([{ kind: "picture", file: "00000.tar", key: "0000008" }]);
    expect(code).toBe(1);
  });

  const damages: [string, (at: string) => Promise<void>, object][] = [
    [
      "a tar that is cut off",
      async (at) => {
        const tar = await readFile(join(at, "00001.tar"));
        await writeFile(join(at, "00001.tar"), tar.subarray(0, tar.length >> 1));
      },
      { kind: "tar", file: "00001.tar" },
    ],
    ["a tar that is missing", (at) => rm(join(at, "00002.tar")), { kind: "missing", file: "00002.tar" }],
    [
      "a text that is missing",
      (at) => repack(join(at, "00000.tar"), (all) => all.filter(({ name }) => name !== "0000001.txt")),
      { kind: "pairing", file: "00000.tar", key: "0000001" },
    ],
    [
      "a sample that is missing",
      (at) => repack(join(at, "00000.tar"), (all) => all.filter(({ name }) => !name.startsWith("0000001"))),
      { kind: "pairing", file: "00000.tar", key: "0000001" },
    ],
    [
      "a picture that breaks off",
      (at) =>
        repack(join(at, "00000.tar"), (all) =>
          all.map(({ name, data }) => ({ name, data: name === "0000002.jpg" ? data.slice(0, 300) : data })),
        ),
      { kind: "picture", file: "00000.tar", key: "0000002" },
    ],
    [
      "statistics of another shard",
      (at) =>
        editText(join(at, "00000_stats.json"), (text) => text.replace(/"successes": \d+/, '"successes": 99')),
      { kind: "count", file: "00000_stats.json" },
    ],
    [
      "a table that is cut off",
      async (at) => {
        const table = await readFile(join(at, "00001.parquet"));
        await writeFile(join(at, "00001.parquet"), table.subarray(0, table.length - 20));
      },
      { kind: "parquet", file: "00001.parquet" },
    ],
  ];

  it.each(damages)("verify finds %s", async (_title, damage, expected) => {
    const at = await copy(folderOf("jpg"));
    await damage(at);
    const { code, result } = await shards<Verification>("verify", at);
    expect(result.problems).toContainEqual(expect.objectContaining(expected));
    expect(code).toBe(1);
  });

  it("repair gives them sizes and a wids index, and lost statistics back but for their times", async () => {
    const at = await copy(folderOf("jpg"));
    const numbers = async (folder: string) => {
      const text = await readFile(join(folder, "00001_stats.json"), "utf8");
      const { count, successes, failed_to_download, failed_to_resize } = JSON.parse(text) as Record<
        string,
        number
      >;
      return { count, successes, failed_to_download, failed_to_resize };
    };
    await rm(join(at, "00001_stats.json"));
    const { code, result } = await shards<Repair>("repair", at);
    expect(result).toMatchObject({
      layout: "plain",
      rebuilt: ["00001_stats.json", "index.json", "sizes.json"],
      left: [],
      samples: kept,
    });
    expect(code).toBe(0);
    expect(await numbers(at)).toEqual(await numbers(folderOf("jpg")));
    const sizes = JSON.parse(await readFile(join(at, "sizes.json"), "utf8")) as Record<string, number>;
    expect(Object.values(sizes).reduce((a, b) => a + b, 0)).toBe(kept);
    expect((await shards<Verification>("verify", at)).code).toBe(0);
    expect((await shards<Repair>("repair", at)).result.rebuilt).toEqual([]);
  });

  it("inspect shows them", async () => {
    const out = join(root, "look");
    const { code, result } = await shards<object>("inspect", folderOf("jpg"), "--out", out);
    expect(code).toBe(0);
    expect(result).toMatchObject({ samples: kept, undecodable: [], quarantined: {} });
    expect((await readdir(out)).sort()).toEqual(["index.html", "sheet.png"]);
  });

  it.each([["jpg"], ["webp"], [asFetched]])("a training takes steps from them: %s", async (name) => {
    const [, model] = (await smallModel(root)) as [string, string];
    const out = join(root, `run-${name}`);
    const ran = await pairloom(["train", "--data", folderOf(name), "--out", out, "--model", model, "--engine", "wasm", "--steps", "3", "--batch-size", "8", "--preflight-seconds", "0", "--json"]); // prettier-ignore
    expect(ran.code, ran.stderr).toBe(0);
    expect(lastJson(ran)).toMatchObject({ status: "finished", step: 3 });
  });
});

describe.skipIf(missing !== null)("what img2dataset writes without tars", () => {
  it("files: is refused with the command that makes tars of them, and that does", async () => {
    const folder = await fetchAll("files", "--output_format=files");
    for (const command of ["verify", "repair", "inspect"]) {
      const { error } = lastJson<{ error: { code: string; message: string; hint: string } }>(
        await pairloom(["shards", command, folder, "--json"]),
      );
      expect(error.message, command).toContain("--output_format files");
      expect(error.hint).toContain("tar --sort=name");
    }
    const { error } = lastJson<{ error: { hint: string } }>(
      await pairloom(["shards", "verify", folder, "--json"]),
    );
    const command = /tar --sort=name .* -C 00000 \./.exec(error.hint)![0];
    for (const shard of ["00000", "00001", "00002"]) {
      const done = spawnSync("bash", ["-c", command.replaceAll("00000", shard)], {
        cwd: folder,
        encoding: "utf8",
      });
      expect(done.status, done.stderr).toBe(0);
    }
    const { code, result } = await shards<Verification>("verify", folder);
    expect(result).toMatchObject({ layout: "plain", problems: [], shards: 3, samples: kept });
    expect(code).toBe(0);
  });

  it("parquet: is refused with what to do", async () => {
    const folder = await fetchAll("parquet", "--output_format=parquet");
    for (const command of ["verify", "repair", "inspect"]) {
      const { error } = lastJson<{ error: { message: string; hint: string } }>(
        await pairloom(["shards", command, folder, "--json"]),
      );
      expect(error.message, command).toContain("it holds tables alone");
      expect(error.hint).toContain("--output_format webdataset");
    }
  });
});
