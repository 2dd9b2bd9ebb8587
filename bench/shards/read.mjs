// Reading one tar of 20 kB samples: pairloom's reader beside Python's webdataset, one core each, warm cache, nothing
// decoded. PAIRLOOM_PYTHON=… node bench/shards/read.mjs [--samples 10000] [--rounds 5] [--folder DIR]
// Ours also parses KEY.json and checks that texts are UTF-8; the peer hands out bytes.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openShards } from "@pairloom/shards/reader";

const { values } = parseArgs({
  options: {
    samples: { type: "string", default: "10000" },
    rounds: { type: "string", default: "5" },
    folder: { type: "string" },
    ours: { type: "string" },
    shuffle: { type: "string", default: "0" },
    core: { type: "string", default: "0" },
  },
});
if (values.ours === undefined) await beside();
else await ours(values.ours, Number(values.rounds), Number(values.shuffle));

/** Prints one JSON object: the checksum of a pass that isn't timed, then the seconds of each timed pass. */
async function ours(folder, rounds, shuffleBuffer) {
  const hash = createHash("sha256");
  for await (const { key, image, text, json } of await openShards(folder))
    hash.update(key).update(image).update(text).update(JSON.stringify(json));
  const passes = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let round = 0; round < rounds; round++) {
    const cpu = process.cpuUsage();
    const started = performance.now();
    let [samples, bytes] = [0, 0];
    for await (const { image } of await openShards(folder, { shuffleBuffer })) {
      samples++;
      bytes += image.length;
    }
    const { user, system } = process.cpuUsage(cpu);
    passes.push({ samples, bytes, s: (performance.now() - started) / 1e3, cpuS: (user + system) / 1e6 });
  }
  delay.disable();
  console.log(JSON.stringify({ sha256: hash.digest("hex"), passes, longestHoldMs: delay.max / 1e6 }));
}

async function beside() {
  // Loaded here: the process that is measured has what a program that reads shards would have.
  const { packTar } = await import("@pairloom/shards");
  const { sampleMembers } = await import("./samples.mjs");
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), "pairloom-read-"));
  mkdirSync(folder, { recursive: true });
  const handle = await open(join(folder, "00000.tar"), "w");
  const members = function* () {
    for (let i = 0; i < Number(values.samples); i++)
      for (const [name, data] of sampleMembers(i)) yield { name, data };
  };
  for await (const chunk of packTar(members())) await handle.writeFile(chunk);
  await handle.close();

  const onOneCore = (command, args) => {
    const done = spawnSync("taskset", ["-c", values.core, command, ...args], {
      encoding: "utf8",
      maxBuffer: 1e8,
    });
    if (done.status !== 0) throw new Error(done.stderr);
    return JSON.parse(done.stdout);
  };
  const self = fileURLToPath(import.meta.url);
  const peer = fileURLToPath(new URL("read_peer.py", import.meta.url));
  const python = process.env.PAIRLOOM_PYTHON ?? "python3";
  const { rounds } = values;
  const tar = join(folder, "00000.tar");
  const runs = (...shuffle) => ({
    webdataset: onOneCore(python, [peer, tar, rounds, ...shuffle]),
    pairloom: onOneCore(process.execPath, [
      ...[self, "--ours", folder, "--rounds", rounds],
      ...shuffle.flatMap((size) => ["--shuffle", size]),
    ]),
  });
  const results = { "in order": runs(), "a shuffle buffer of 5000": runs("5000") };
  if (values.folder === undefined) rmSync(folder, { recursive: true });
  const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
  const rate = ({ passes }, per) => median(passes.map((pass) => pass.samples / pass[per]));
  for (const [order, { webdataset, pairloom }] of Object.entries(results)) {
    console.log(order);
    for (const [name, run] of Object.entries({ webdataset, pairloom }))
      console.log(
        `  ${name.padEnd(10)} ${rate(run, "s").toFixed(0).padStart(6)} samples/s, ` +
          `${rate(run, "cpuS").toFixed(0).padStart(6)} a CPU-second, bytes ${run.sha256.slice(0, 16)}`,
      );
    const ratio = (per) => (rate(pairloom, per) / rate(webdataset, per)).toFixed(1);
    console.log(`  ratio ${ratio("s")} (${ratio("cpuS")} a CPU-second)`);
    console.log(`  event loop held ${pairloom.longestHoldMs.toFixed(1)} ms at most`);
    if (webdataset.sha256 !== pairloom.sha256) {
      console.error("The readers found different bytes");
      process.exitCode = 1;
    }
  }
}
