import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { CheckpointSummary, RunSummary } from "@pairloom/service-monitor";

/** Reading run folders needs files alone, no engine: `runs/<name>/{run.json,metrics.jsonl,checkpoints/*.safetensors}`. */

const collator = new Intl.Collator("en", { numeric: true });

/** Names of the runs of a project, in version order. */
export async function runNames(projectDir: string): Promise<string[]> {
  const entries = await readdir(join(projectDir, "runs"), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort(collator.compare);
}

/** The checkpoints of a run, oldest first. */
export async function readCheckpoints(runFolder: string): Promise<CheckpointSummary[]> {
  const folder = join(runFolder, "checkpoints");
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(".safetensors"));
  return Promise.all(
    names.sort(collator.compare).map(async (file) => {
      const { size, mtime } = await stat(join(folder, file));
      return { file, step: Number(/(\d+)/.exec(file)?.[1] ?? 0), bytes: size, modified: mtime.toISOString() };
    }),
  );
}

/** The path of one of a run's checkpoints ("latest" is the newest), or null; a name that leaves the folder has none. */
export async function checkpointPath(runFolder: string, file: string): Promise<string | null> {
  const all = await readCheckpoints(runFolder);
  const wanted = file === "latest" ? all.at(-1)?.file : file;
  return wanted !== undefined && basename(wanted) === wanted && all.some((one) => one.file === wanted)
    ? join(runFolder, "checkpoints", wanted)
    : null;
}

/** Whole lines of `metrics.jsonl` from a byte offset on. */
export async function readMetrics(
  runFolder: string,
  offset: number,
): Promise<{ lines: Record<string, unknown>[]; offset: number }> {
  const file = await open(join(runFolder, "metrics.jsonl"), "r").catch(() => null);
  if (file === null) return { lines: [], offset: 0 };
  try {
    const { size } = await file.stat();
    const start = offset <= size ? offset : 0;
    const buffer = Buffer.alloc(Math.min(size - start, 4 << 20));
    await file.read(buffer, 0, buffer.length, start);
    const whole = buffer.subarray(0, buffer.lastIndexOf(10) + 1);
    const lines = whole.toString("utf8").split("\n").flatMap(parseLine);
    return { lines, offset: start + whole.length };
  } finally {
    await file.close();
  }
}

/** Nothing for a line that began before the offset, or was cut off by a crash. */
function parseLine(line: string): Record<string, unknown>[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return [];
  }
}

/** Where a run stands. */
export async function summariseRun(
  runFolder: string,
  queued: "waiting" | "active" | "failed" | null,
): Promise<RunSummary> {
  const record = JSON.parse(await readFile(join(runFolder, "run.json"), "utf8").catch(() => "{}")) as {
    settings?: { model?: string };
    steps?: number;
  };
  const checkpoints = await readCheckpoints(runFolder);
  const { size } = await stat(join(runFolder, "metrics.jsonl")).catch(() => ({ size: 0 }));
  const tail = await readMetrics(runFolder, Math.max(0, size - 4096)).catch(() => ({ lines: [] }));
  const last = tail.lines.findLast((line) => typeof line["loss"] === "number");
  const finished = record.steps !== undefined && checkpoints.at(-1)?.step === record.steps;
  const state = finished
    ? "finished"
    : queued === "active"
      ? "running"
      : queued === "waiting"
        ? "waiting"
        : queued === "failed"
          ? "failed"
          : "stopped";
  return {
    run: basename(runFolder),
    state,
    model: record.settings?.model ?? null,
    step: Number(last?.["step"] ?? 0),
    steps: record.steps ?? null,
    loss: last === undefined ? null : Number(last["loss"]),
    checkpoints: checkpoints.length,
  };
}
