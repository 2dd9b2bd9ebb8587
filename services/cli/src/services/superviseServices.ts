import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import { fileURLToPath } from "node:url";
import type { StageName } from "./runStage.js";

const launcher = fileURLToPath(new URL("../../bin/pairloom.js", import.meta.url));

export interface SuperviseOptions {
  dir: string;
  stages: readonly StageName[];
  /** Further arguments for each `pairloom worker`. */
  args: readonly string[];
  log: (line: string) => void;
  /** Called where a service ended because a disk is full: it is started again, more slowly, until there is room. */
  onDiskFull: (message: string) => void;
  /** Called once where a service ends for a reason that a restart can't mend. */
  onFatal: (failure: ServiceFailure) => void;
}

export interface ServiceFailure {
  stage: StageName;
  exitCode: number;
  message: string;
  /** What to do about it, where the service said so. */
  hint: string | null;
}

export interface Supervised {
  /** Process ids of the services that live now. */
  pids(): Partial<Record<StageName, number>>;
  /** Asks every service to stop (SIGTERM), waits, and ends those that don't within the grace time. */
  stop(): Promise<void>;
}

/** Exit codes of `pairloom worker` that a restart can't mend: wrong usage, a user's error. */
const finalExitCodes = new Set([2, 3]);
/** DiskFullError's. */
const diskFullExitCode = 5;
const restartDelayMs = 500;
/** Between two looks whether there is room again. */
const diskFullDelayMs = 3000;
const graceMs = 20_000;

/**
 * Runs each stage as a process of its own (`pairloom worker STAGE`) and starts a killed one again.
 * The children hold an IPC channel to this process and stop by themselves when it is gone.
 */
export function superviseServices(options: SuperviseOptions): Supervised {
  const children = new Map<StageName, ChildProcess>();
  let stopping = false;

  const start = (stage: StageName): void => {
    const child = spawn(
      process.execPath,
      [launcher, "worker", stage, "--dir", options.dir, "--supervised", ...options.args],
      { stdio: ["ignore", "pipe", "pipe", "ipc"], env: { ...process.env, PAIRLOOM_NO_BUILD: "1" } },
    );
    children.set(stage, child);
    let lastLine = "";
    let hint: string | null = null;
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null)
        createInterface({ input: stream }).on("line", (line) => {
          // after an error comes a line of what to do about it
          const plain = stripVTControlCharacters(line);
          if (plain.startsWith("→")) hint = plain.slice(1).trim();
          else [lastLine, hint] = [plain.replace(/^error: /, ""), null];
          options.log(`${stage}: ${line}`);
        });
    child.on("error", (error) => options.log(`${stage}: ${error.message}`));
    child.on("exit", (exitCode, signal) => {
      children.delete(stage);
      if (stopping) return;
      if (exitCode !== null && finalExitCodes.has(exitCode)) {
        options.onFatal({ stage, exitCode, message: lastLine, hint });
        return;
      }
      const isDiskFull = exitCode === diskFullExitCode;
      if (isDiskFull) options.onDiskFull(lastLine);
      options.log(`${stage} ended (${signal ?? `exit code ${exitCode ?? "unknown"}`}); starting it again`);
      setTimeout(
        () => {
          if (!stopping) start(stage);
        },
        isDiskFull ? diskFullDelayMs : restartDelayMs,
      );
    });
  };
  options.stages.forEach(start);

  return {
    pids: () =>
      Object.fromEntries(
        [...children].flatMap(([stage, { pid }]) => (pid === undefined ? [] : [[stage, pid]])),
      ),
    stop: async () => {
      stopping = true;
      await Promise.all([...children.values()].map(stopChild));
    },
  };
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => child.kill("SIGKILL"), graceMs);
    child.once("exit", () => {
      clearTimeout(force);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
