import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import type { CheckpointSummary, SampleReport } from "@pairloom/service-monitor";
import { defaultLeaseMs, lookAtLock, runLockName } from "@pairloom/storage/lock";

/** Reading run folders needs files alone, no engine: `runs/<name>/{run.json,metrics.jsonl,log.txt,samples/,checkpoints/}`. */

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
  const found = names.sort(collator.compare).map(async (file): Promise<CheckpointSummary | null> => {
    const stats = await stat(join(folder, file)).catch(() => null); // the run removes old ones meanwhile
    if (stats === null) return null;
    const step = Number(/(\d+)/.exec(file)?.[1] ?? 0);
    return { file, step, bytes: stats.size, modified: stats.mtime.toISOString() };
  });
  return (await Promise.all(found)).filter((checkpoint) => checkpoint !== null);
}

/** The path of one of a run's checkpoints ("latest" is the newest), or null; a name that leaves the folder has none. */
export async function checkpointPath(runFolder: string, file: string): Promise<string | null> {
  const all = await readCheckpoints(runFolder);
  const wanted = file === "latest" ? all.at(-1)?.file : file;
  return wanted !== undefined && basename(wanted) === wanted && all.some((one) => one.file === wanted)
    ? join(runFolder, "checkpoints", wanted)
    : null;
}

const pageBytes = 4 << 20;

/** Bytes of a file from an offset on (from the end, where it is negative), a page at most; of a file that became shorter, all. */
async function readPage(path: string, offset: number): Promise<{ bytes: Buffer; start: number }> {
  const file = await open(path, "r").catch(() => null);
  if (file === null) return { bytes: Buffer.alloc(0), start: 0 };
  try {
    const { size } = await file.stat();
    const start = offset < 0 ? Math.max(0, size + offset) : offset <= size ? offset : 0;
    const bytes = Buffer.alloc(Math.min(size - start, pageBytes));
    await file.read(bytes, 0, bytes.length, start);
    return { bytes, start };
  } finally {
    await file.close();
  }
}

/** Whole lines of `metrics.jsonl` from a byte offset on. */
export async function readMetrics(
  runFolder: string,
  offset: number,
): Promise<{ lines: Record<string, unknown>[]; offset: number }> {
  const { bytes, start } = await readPage(join(runFolder, "metrics.jsonl"), offset);
  const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
  return { lines: whole.toString("utf8").split("\n").flatMap(parseLine), offset: start + whole.length };
}

/** Whole lines of the log of a run's process. */
export async function readLog(runFolder: string, offset: number): Promise<{ text: string; offset: number }> {
  const { bytes, start } = await readPage(join(runFolder, "log.txt"), offset);
  const whole = bytes.subarray(0, bytes.lastIndexOf(10) + 1);
  // what a negative offset cut in two is left out
  const from = offset < 0 && start > 0 ? whole.indexOf(10) + 1 : 0;
  return { text: whole.subarray(from).toString("utf8"), offset: start + whole.length };
}

/** Nothing for a line that began before the offset, or was cut off by a crash. */
function parseLine(line: string): Record<string, unknown>[] {
  try {
    return line === "" ? [] : [JSON.parse(line) as Record<string, unknown>];
  } catch {
    return [];
  }
}

/** What the evaluations of a run left, oldest first. */
export async function readSamples(runFolder: string): Promise<SampleReport[]> {
  const folder = join(runFolder, "samples");
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^step-\d+\.json$/.test(name));
  const reports = names.sort(collator.compare).map(async (name) => {
    const text = await readFile(join(folder, name), "utf8").catch(() => null); // removed meanwhile
    return text === null ? [] : [JSON.parse(text) as SampleReport];
  });
  return (await Promise.all(reports)).flat();
}

/** The path of a sample's picture, or null where there is none of that name. */
export async function samplePath(runFolder: string, file: string): Promise<string | null> {
  const path = join(runFolder, "samples", "pictures", file);
  if (!/^\d+\.jpg$/.test(file) || (await stat(path).catch(() => null)) === null) return null;
  return path;
}

/** What a run's folder says of it. */
export interface RunFolder {
  model: string | null;
  /** As `run.json` has them; null before the run began. */
  settings: Record<string, unknown> | null;
  step: number;
  steps: number | null;
  last: Record<string, unknown> | null;
  evaluation: { step: number; evaluation: Record<string, number> } | null;
  checkpoints: number;
  /** Its newest checkpoint is that of its last step. */
  isFinished: boolean;
  /** A living process trains there. */
  isHeld: boolean;
}

/** Bytes at the end of the metrics that are read for the newest lines. */
const tailBytes = 64 * 1024;

export async function readRunFolder(runFolder: string): Promise<RunFolder> {
  const record = JSON.parse(await readFile(join(runFolder, "run.json"), "utf8").catch(() => "{}")) as {
    settings?: Record<string, unknown>;
    steps?: number;
  };
  const checkpoints = await readCheckpoints(runFolder);
  const { lines } = await readMetrics(runFolder, -tailBytes);
  const last = lines.findLast((line) => typeof line["loss"] === "number") ?? null;
  const evaluation = lines.findLast((line) => typeof line["evaluation"] === "object") ?? null;
  const model = record.settings?.["model"];
  return {
    model: typeof model === "string" ? model : null,
    settings: record.settings ?? null,
    step: Number(last?.["step"] ?? checkpoints.at(-1)?.step ?? 0),
    steps: record.steps ?? null,
    last,
    evaluation: evaluation as RunFolder["evaluation"],
    checkpoints: checkpoints.length,
    isFinished: record.steps !== undefined && checkpoints.at(-1)?.step === record.steps,
    isHeld: await isHeld(runFolder),
  };
}

/** True where a process has the run's lock that lives, or that can't be looked at and was heard of a moment ago. */
async function isHeld(runFolder: string): Promise<boolean> {
  const lock = await lookAtLock(runFolder, runLockName).catch(() => null);
  return lock !== null && (lock.alive || Date.now() - lock.mtimeMs < 2 * defaultLeaseMs);
}
