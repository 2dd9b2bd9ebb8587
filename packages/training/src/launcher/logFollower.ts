import { appendFile, open } from "node:fs/promises";
import { join } from "node:path";
import { writeDurably } from "../run/writeDurably.js";
import type { LaunchedRunPaths } from "./launchedRun.js";
import { type LaunchedMetrics, type LogContext, parseOpenClipLine } from "./openClipLog.js";

/**
 * Reads open_clip's log as it grows and keeps the run's `metrics.jsonl` to it: one line a step, the last one told. A
 * training that went back to a checkpoint tells steps again; what was told of them before goes.
 */
export class LogFollower {
  private offset = 0;
  private rest = "";
  /** By rising step. */
  private readonly steps: LaunchedMetrics[] = [];
  private written = false;

  constructor(
    private readonly paths: LaunchedRunPaths,
    private readonly context: LogContext,
  ) {}

  /** @returns the metrics of lines that were new */
  async read(): Promise<LaunchedMetrics[]> {
    const fresh = (await this.newLines()).flatMap((line) => parseOpenClipLine(line, this.context) ?? []);
    if (fresh.length === 0) return fresh;
    const wentBack = fresh.filter((metrics) => this.take(metrics)).length > 0;
    const file = join(this.paths.run, "metrics.jsonl");
    const text = (lines: readonly LaunchedMetrics[]) =>
      lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    if (wentBack || !this.written) await writeDurably(file, [Buffer.from(text(this.steps))]);
    else await appendFile(file, text(fresh));
    this.written = true;
    return fresh;
  }

  /** The last step told of. */
  get last(): LaunchedMetrics | null {
    return this.steps.at(-1) ?? null;
  }

  /** @returns whether steps were told again */
  private take(metrics: LaunchedMetrics): boolean {
    let wentBack = false;
    for (; (this.steps.at(-1)?.step ?? 0) >= metrics.step; wentBack = true) this.steps.pop();
    this.steps.push(metrics);
    return wentBack;
  }

  private async newLines(): Promise<string[]> {
    const file = await open(this.paths.log, "r").catch(() => null);
    if (file === null) return [];
    try {
      const { size } = await file.stat();
      const bytes = Buffer.alloc(Math.max(0, size - this.offset));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, this.offset);
      this.offset += bytesRead;
      const lines = (this.rest + bytes.subarray(0, bytesRead).toString("latin1")).split("\n");
      this.rest = lines.pop() ?? "";
      return lines;
    } finally {
      await file.close();
    }
  }
}
