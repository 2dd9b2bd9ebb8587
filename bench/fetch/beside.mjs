// pairloom fetch beside img2dataset and a bare sharp loop, in turns on the same machine.
//   WORK=dir node bench/fetch/beside.mjs --web fast [--modes border,center_crop] [--rounds 3] [--threads 16,64] [--pdq]
//   WORK=dir node bench/fetch/beside.mjs --web real --urls 10000 --threads 512 [--timeout 10]
// WORK holds the corpus and, for the fast web, its list (corpus.py) with nginx serving it (serve.sh start).
// PAIRLOOM_IMG2DATASET names a Python with img2dataset (test/interop/environment.sh img2dataset); without it img2dataset
// is left out. Prints a line a run, then medians and the ratios of neighbouring runs, as JSON.
// A run's time is that from the first shard's start to the last one's end, by the shards' own statistics; processor time
// that of the whole process tree; memory its largest PSS, sampled. On the real web the last timeout's length is taken off.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { fate } from "./fate.mjs";

const { values } = parseArgs({
  options: {
    web: { type: "string", default: "fast" },
    modes: { type: "string", default: "border" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "64" },
    urls: { type: "string", default: "10000" },
    hosts: { type: "string", default: "500" },
    timeout: { type: "string", default: "10" },
    pdq: { type: "boolean", default: false },
    gap: { type: "string", default: "0" },
  },
});
const here = dirname(fileURLToPath(import.meta.url));
const work = process.env.WORK;
const isReal = values.web === "real";
const python = process.env.PAIRLOOM_IMG2DATASET;
const port = 18080;
const list = isReal ? join(work, "real.csv") : join(work, "urls.parquet");
const format = isReal ? "csv" : "parquet";

function childrenOf(pid) {
  const all = [pid];
  for (const one of all) {
    try {
      for (const task of readdirSync(`/proc/${one}/task`))
        all.push(
          ...readFileSync(`/proc/${one}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean),
        );
    } catch {
      // It has ended.
    }
  }
  return all;
}

function pssOf(pid) {
  let sum = 0;
  for (const one of childrenOf(pid)) {
    try {
      sum +=
        Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${one}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
    } catch {
      // It has ended.
    }
  }
  return sum;
}

/** Runs a command under bash's `time`, which counts every descendant that was waited for. */
function timed(command, args) {
  const child = spawn(
    "bash",
    ["-c", 'TIMEFORMAT="CPU %U %S"; time "$0" "$@" >/dev/null 2>&1', command, ...args],
    {
      env: { ...process.env, NO_ALBUMENTATIONS_UPDATE: "1" },
      stdio: ["ignore", "inherit", "pipe"],
    },
  );
  let said = "";
  let pss = 0;
  child.stderr.on("data", (chunk) => (said += chunk));
  const timer = setInterval(() => (pss = Math.max(pss, pssOf(String(child.pid)))), 500);
  return new Promise((resolve) => {
    child.on("close", (code) => {
      clearInterval(timer);
      const [, user, system] = /CPU (\S+) (\S+)/.exec(said) ?? [];
      resolve({ code, cpu: Number(user) + Number(system), pss });
    });
  });
}

function outcomeOf(folder) {
  const stats = readdirSync(folder)
    .filter((name) => name.endsWith("_stats.json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
  const status = {};
  for (const one of stats)
    for (const [name, count] of Object.entries(one.status_dict)) status[name] = (status[name] ?? 0) + count;
  const seconds = Math.max(...stats.map((s) => s.end_time)) - Math.min(...stats.map((s) => s.start_time));
  return { pictures: stats.reduce((sum, s) => sum + s.successes, 0), seconds, status };
}

const perShard = isReal ? 2500 : Math.ceil(Number(values.urls) / 2);
const common = (mode, threads, folder) => [
  `--url_list=${list}`,
  `--input_format=${format}`,
  "--caption_col=caption",
  "--output_format=webdataset",
  `--output_folder=${folder}`,
  `--resize_mode=${mode}`,
  `--thread_count=${threads}`,
  `--number_sample_per_shard=${perShard}`,
  `--timeout=${values.timeout}`,
];

async function fetched(name, command, args, folder) {
  rmSync(folder, { recursive: true, force: true });
  const { code, cpu, pss } = await timed(command, args);
  if (code !== 0) throw new Error(`${name} ended with ${code}: run it by hand: ${command} ${args.join(" ")}`);
  const { pictures, seconds, status } = outcomeOf(folder);
  const net = isReal ? seconds - Number(values.timeout) : seconds;
  return {
    name,
    perSecond: pictures / net,
    perCpuSecond: pictures / cpu,
    pssMb: pss / 1e6,
    pictures,
    seconds,
    status,
  };
}

const img2dataset = (mode, threads) => {
  const folder = join(work, "out-img2dataset");
  const args = [
    ...common(mode, threads, folder),
    "--url_col=url",
    `--processes_count=${availableParallelism()}`,
  ];
  return fetched(`img2dataset ${threads}`, join(dirname(python), "img2dataset"), args, folder);
};

const pairloom = (mode, threads, more = []) => {
  const folder = join(work, "out-pairloom");
  const cli = join(here, "../../services/cli/bin/pairloom.js");
  const gaps = [`--host_gap_ms=${values.gap}`, `--address_gap_ms=${values.gap}`];
  const args = [
    cli,
    "fetch",
    ...common(mode, threads, folder),
    "--allow_private=127.0.0.0/8",
    ...gaps,
    ...more,
  ];
  return fetched(["pairloom", threads, ...more].join(" "), process.execPath, args, folder);
};

/** The same files by a bare sharp loop, from disk to nowhere. */
async function bareSharp(mode) {
  const start = performance.now();
  const { code, cpu, pss } = await timed(process.execPath, [join(here, "bareSharp.mjs"), mode, values.urls]);
  if (code !== 0) throw new Error(`bareSharp.mjs ended with ${code}`);
  const seconds = (performance.now() - start) / 1000;
  const { pictures, seconds: net } = JSON.parse(readFileSync(join(work, "bareSharp.json"), "utf8"));
  return {
    name: "bare sharp",
    perSecond: pictures / net,
    perCpuSecond: pictures / cpu,
    pssMb: pss / 1e6,
    pictures,
    seconds,
  };
}

/** What must have become of the real web's rows. */
function expectedCounts() {
  const names = {
    ok: "success",
    404: "http_404",
    403: "http_403",
    dns: "dns_not_found",
    hang: "timeout",
    html: "not_an_image",
    503: "http_503",
  };
  const counts = {};
  for (let i = 0; i < Number(values.urls); i++) {
    const name = names[fate(`/img/${i}.jpg`)];
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

let server = null;
if (isReal) {
  server = spawn(process.execPath, [join(here, "server.mjs"), join(work, "corpus"), String(port)], {
    stdio: "ignore",
  });
  const rows = spawn(process.execPath, [join(here, "urls.mjs"), values.urls, values.hosts, String(port)]);
  const chunks = [];
  for await (const chunk of rows.stdout) chunks.push(chunk);
  writeFileSync(list, Buffer.concat(chunks));
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const runs = [];
try {
  for (const mode of values.modes.split(",")) {
    for (let round = 0; round < Number(values.rounds); round++) {
      const turn = [];
      for (const threads of values.threads.split(",")) {
        if (python !== undefined && existsSync(python)) turn.push(() => img2dataset(mode, threads));
      }
      turn.push(() => pairloom(mode, values.threads.split(",").at(-1)));
      if (values.pdq) turn.push(() => pairloom(mode, values.threads.split(",").at(-1), ["--compute_pdq"]));
      if (!isReal) turn.push(() => bareSharp(mode));
      for (const run of turn) {
        const said = { mode, round, ...(await run()) };
        runs.push(said);
        const { name, perSecond, perCpuSecond, pssMb, seconds } = said;
        const figures = `${perSecond.toFixed(1)}/s, ${perCpuSecond.toFixed(1)} a CPU-second, ${pssMb.toFixed(0)} MB, ${seconds.toFixed(1)} s`;
        console.log(`${mode} ${name}: ${figures}`);
        if (isReal && name.startsWith("pairloom")) {
          const expected = expectedCounts();
          for (const status of new Set([...Object.keys(expected), ...Object.keys(said.status)]))
            if (said.status[status] !== expected[status])
              console.log(
                `  ${status}: ${said.status[status] ?? 0} counted, ${expected[status] ?? 0} expected`,
              );
        }
      }
    }
    const ours = runs.filter((run) => run.mode === mode && /^pairloom \d+$/.test(run.name));
    for (const name of new Set(runs.filter((run) => run.mode === mode).map((run) => run.name))) {
      const theirs = runs.filter((run) => run.mode === mode && run.name === name);
      const ratio = (field) => median(ours.map((run, at) => run[field] / theirs[at][field])).toFixed(2);
      const line = {
        mode,
        name,
        perSecond: median(theirs.map((run) => run.perSecond)),
        pssMb: median(theirs.map((run) => run.pssMb)),
      };
      console.log(
        JSON.stringify({
          ...line,
          oursOverIt: {
            perSecond: ratio("perSecond"),
            perCpuSecond: ratio("perCpuSecond"),
            memory: ratio("pssMb"),
          },
        }),
      );
    }
  }
} finally {
  server?.kill();
}
