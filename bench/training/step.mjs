// Training steps beside open_clip on PyTorch: the two take turns, on the same machine in the same run.
//   PAIRLOOM_PYTORCH=$(bash test/interop/environment.sh pytorch) node bench/training/step.mjs [--rounds 3] [--cases small,vitb32,rn50] [--compile]
// Prints a table; with --json one object. `--compile` adds torch.compile, which takes minutes for the large models.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    cases: { type: "string", default: "small,vitb32,rn50" },
    compile: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const python = process.env.PAIRLOOM_PYTORCH;
const batch = { small: 64, vitb32: 16, rn50: 8 };
const root = new URL("../../", import.meta.url).pathname;

function lastJson(command, args, cwd = root) {
  const { stdout, stderr, status } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}\n${stderr.slice(-1500)}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}
const ours = (name, precision, engine) => {
  const launcher = ["services/cli/bin/pairloom.js", "engine", "bench", "--json", "--case", name];
  const args = [
    ...launcher,
    "--batch-size",
    String(batch[name]),
    "--precision",
    precision,
    "--engine",
    engine,
  ];
  return lastJson(process.execPath, args).samplesPerSecond;
};
const pytorch = (name, flags) => {
  if (!python) return NaN;
  const args = ["bench_step.py", "--case", name, "--batch", String(batch[name]), ...flags];
  return lastJson(python, args, `${root}bench/training/pytorch`).samples_s;
};
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

const rows = [];
for (const name of values.cases.split(",")) {
  for (const precision of ["float32", "bf16"]) {
    const flags = precision === "bf16" ? ["--bf16"] : [];
    const runs = {
      tensorflow: () => ours(name, precision, "tensorflow"),
      eager: () => pytorch(name, flags),
      ...(values.compile ? { compiled: () => pytorch(name, [...flags, "--compile"]) } : {}),
      ...(name === "small" && precision === "float32" ? { wasm: () => ours(name, precision, "wasm") } : {}),
    };
    const seen = Object.fromEntries(Object.keys(runs).map((key) => [key, []]));
    for (let round = 0; round < Number(values.rounds); round++)
      for (const [key, run] of Object.entries(runs)) seen[key].push(run());
    const medians = Object.fromEntries(Object.entries(seen).map(([key, numbers]) => [key, median(numbers)]));
    const best = Math.max(medians.eager, medians.compiled ?? 0);
    rows.push({
      case: name,
      batch: batch[name],
      precision,
      ...medians,
      ratio: Number((medians.tensorflow / best).toFixed(2)),
      ...(medians.wasm === undefined ? {} : { wasmRatio: Number((medians.wasm / medians.eager).toFixed(2)) }),
      seen,
    });
    if (!values.json) console.table([{ ...rows.at(-1), seen: undefined }]);
  }
}
if (values.json) console.log(JSON.stringify(rows));
