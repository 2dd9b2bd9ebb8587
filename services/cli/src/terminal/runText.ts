import type { RunDetails, RunSummary } from "@pairloom/service-monitor";

/** Runs as a table of lines. */
export function runTable(runs: readonly RunSummary[]): string {
  if (runs.length === 0) return "There is no run yet. Launch one: pairloom jobs launch --help";
  const rows = runs.map(({ run, state, device, model, step, steps, loss, checkpoints }) => [
    run,
    state,
    device ?? "",
    model ?? "",
    steps === null ? String(step) : `${step}/${steps}`,
    loss === null ? "" : loss.toFixed(3),
    String(checkpoints),
  ]);
  const head = ["run", "state", "device", "model", "step", "loss", "checkpoints"];
  const widths = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]!.length)));
  const isNumber = (at: number) => at >= 4;
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, at) => (isNumber(at) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** One run in full. */
export function runText(run: RunDetails): string {
  const lines: [string, string | null][] = [
    ["run", run.run],
    ["state", run.reason === null ? run.state : `${run.state}: ${run.reason}`],
    ["device", run.device === null ? null : `${run.device}, priority ${run.priority ?? "normal"}`],
    ["model", run.model],
    ["step", run.steps === null ? String(run.step) : `${run.step} of ${run.steps}`],
    ["checkpoints", String(run.checkpoints)],
    ["cloned from", run.clonedFrom],
    ["asked", run.asked],
    ["folder", run.folder],
    ["settings", Object.keys(run.given).length === 0 ? null : pairs(run.given)],
    ["last step", run.last === null ? null : metricsLine(run.last)],
    [
      "evaluation",
      run.evaluation === null ? null : `step ${run.evaluation.step}: ${pairs(run.evaluation.evaluation)}`,
    ],
  ];
  return lines
    .filter(([, text]) => text !== null)
    .map(([name, text]) => `${name.padEnd(12)} ${text ?? ""}`)
    .join("\n");
}

const pairs = (values: Record<string, unknown>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${shown(value)}`)
    .join("  ");

function shown(value: unknown): string {
  if (typeof value === "number")
    return Number.isInteger(value) ? String(value) : String(+value.toPrecision(4));
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What a line of metrics is known to hold, worded; everything else follows under its own name. */
const worded: Record<string, (value: number) => string> = {
  step: (value) => `step ${value}`,
  loss: (value) => `loss ${value.toFixed(4)}`,
  logitScale: (value) => `temperature 1/${value.toFixed(1)}`,
  gradientNorm: (value) => `gradient ${value.toFixed(2)}`,
  lr: (value) => `lr ${value.toExponential(1)}`,
  samplesPerSecond: (value) => `${value.toFixed(0)} samples/s`,
  dataWaitMs: (value) => `data ${value.toFixed(0)} ms`,
  stepMs: (value) => `step ${value.toFixed(0)} ms`,
  residentMegabytes: (value) => `${value} MB`,
};

/** A step's numbers in one line. */
export function metricsLine(line: Record<string, unknown>): string {
  const known = Object.entries(worded).flatMap(([name, word]) => {
    const value = line[name];
    return typeof value === "number" ? [word(value)] : [];
  });
  const others = Object.fromEntries(
    Object.entries(line).filter(([name, value]) => !(name in worded) && typeof value === "number"),
  );
  return [...known, ...(Object.keys(others).length === 0 ? [] : [pairs(others)])].join("  ");
}

/** An evaluation's numbers in one line. */
export function evaluationLine(line: { step: number; evaluation: Record<string, number> }): string {
  return `step ${line.step}  evaluation: ${pairs(line.evaluation)}`;
}

const blocks = "▁▂▃▄▅▆▇█";

/** Numbers as a small curve of at most `width` characters. */
export function sparkline(values: readonly number[], width = 60): string {
  if (values.length === 0) return "";
  const each = Math.max(1, values.length / width);
  const points = Array.from({ length: Math.min(width, values.length) }, (_, at) => {
    const part = values.slice(
      Math.floor(at * each),
      Math.max(Math.floor((at + 1) * each), Math.floor(at * each) + 1),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const low = Math.min(...points);
  const high = Math.max(...points);
  return points
    .map((value) => blocks[Math.round(((value - low) / (high - low || 1)) * (blocks.length - 1))])
    .join("");
}
