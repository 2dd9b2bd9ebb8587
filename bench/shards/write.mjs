// Writing a tar of 20 kB samples of three members: pairloom's packer beside npm's tar-stream, to nowhere and to disk.
// node bench/shards/write.mjs [--samples 20000] [--rounds 5] [--folder DIR] [--core 0]
// tar-stream is installed into a folder of its own; the two take turns, and their tars must hold the same members.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open, unlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { scanTar, TarPacker } from "@pairloom/shards";
import { writeAll } from "@pairloom/storage";
import { sampleMembers } from "./samples.mjs";

const { values } = parseArgs({
  options: {
    samples: { type: "string", default: "20000" },
    rounds: { type: "string", default: "5" },
    folder: { type: "string" },
    core: { type: "string", default: "0" },
    child: { type: "boolean", default: false },
  },
});
const peerVersion = "3.2.2";
const folder = values.folder ?? mkdtempSync(join(tmpdir(), "pairloom-write-"));
if (values.child) await measure();
else {
  mkdirSync(folder, { recursive: true });
  const peerAt = join(folder, "peer");
  if (!existsSync(join(peerAt, "node_modules", "tar-stream")))
    execFileSync("npm", ["install", "--silent", "--prefix", peerAt, `tar-stream@${peerVersion}`]);
  const { samples, rounds, core } = values;
  const args = ["--child", "--folder", folder, "--samples", samples, "--rounds", rounds];
  const command = [process.execPath, fileURLToPath(import.meta.url), ...args];
  const done = spawnSync("taskset", ["-c", core, ...command], { stdio: "inherit" });
  process.exitCode = done.status ?? 1;
  if (values.folder === undefined) rmSync(folder, { recursive: true });
}

function* packed(samples) {
  const packer = new TarPacker();
  for (const members of samples) for (const [name, data] of members) yield* packer.add(name, data);
  yield* packer.end();
}

/** tar-stream's readable end; members are handed over a hundred samples at a time, so that its buffer stays small. */
function streamed(pack, samples) {
  const mtime = new Date(0);
  const fill = async () => {
    let given = 0;
    for (const members of samples) {
      for (const [name, data] of members) pack.entry({ name, mtime }, data);
      if (++given % 100 === 0) await nextTurn();
    }
    pack.finalize();
  };
  return { pack, filled: fill() };
}

async function measure() {
  const { pack: newPack } = createRequire(join(folder, "peer", "x.js"))("tar-stream");
  const samples = Array.from({ length: Number(values.samples) }, (_, i) => sampleMembers(i));
  const file = join(folder, "written.tar");
  const writers = {
    nowhere: {
      "tar-stream": async () => {
        const { pack, filled } = streamed(newPack(), samples);
        await pipeline(pack, new Writable({ write: (_chunk, _encoding, done) => done() }));
        await filled;
      },
      pairloom: async () => {
        let bytes = 0;
        for (const chunk of packed(samples)) bytes += chunk.length;
        return bytes;
      },
    },
    disk: {
      "tar-stream": async () => {
        const { pack, filled } = streamed(newPack(), samples);
        await pipeline(pack, createWriteStream(file, { highWaterMark: 1 << 20 }));
        await filled;
      },
      pairloom: async () => {
        const handle = await open(file, "w");
        await writeAll(handle, packed(samples));
        await handle.close();
      },
    },
  };
  for (const [to, both] of Object.entries(writers)) {
    const times = { "tar-stream": [], pairloom: [] };
    const cpus = { "tar-stream": [], pairloom: [] };
    const hashes = new Set();
    for (let round = -1; round < Number(values.rounds); round++)
      for (const [name, write] of Object.entries(both)) {
        const cpu = process.cpuUsage();
        const started = performance.now();
        await write();
        const { user, system } = process.cpuUsage(cpu);
        if (round >= 0) times[name].push((performance.now() - started) / 1e3);
        if (round >= 0) cpus[name].push((user + system) / 1e6);
        if (to === "disk") {
          if (round === -1) hashes.add(await membersHash(file));
          await unlink(file);
        }
      }
    if (hashes.size > 1) throw new Error("The two tars hold different members");
    report(to, times, cpus);
  }
}

async function membersHash(path) {
  const hash = createHash("sha256");
  for await (const { name, data } of scanTar(createReadStream(path))) hash.update(name).update(data);
  return hash.digest("hex");
}

function report(to, times, cpus) {
  const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
  console.log(`to ${to}`);
  for (const name of Object.keys(times)) {
    const rate = Number(values.samples) / median(times[name]);
    const cpuRate = Number(values.samples) / median(cpus[name]);
    console.log(`  ${name.padEnd(10)} ${rate.toFixed(0)} samples/s, ${cpuRate.toFixed(0)} a CPU-second`);
  }
  const ratio = (all) => (median(all["tar-stream"]) / median(all.pairloom)).toFixed(1);
  console.log(`  ratio ${ratio(times)} (${ratio(cpus)} a CPU-second)`);
}
