import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { writeJsonDurably } from "../run/writeDurably.js";
import type { LaunchedRunPaths } from "./launchedRun.js";

/** torchrun sends its processes SIGTERM and gives them 30 seconds. */
const graceMs = 40_000;

/** In the environment of every process of a training: their own children inherit it, whoever their parent comes to be. */
const markVariable = "PAIRLOOM_LAUNCH";

/** The processes of a training on this machine: `launch.sh`, which becomes torchrun, and all below it. */
export class TrainerProcess {
  private readonly exit: Promise<number | null>;
  private exited = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly mark: string,
    private readonly paths: LaunchedRunPaths,
  ) {
    this.exit = new Promise((resolve, reject) => {
      child.on("error", (error) => {
        this.exited = true;
        reject(error);
      });
      child.on("exit", (code) => {
        this.exited = true;
        resolve(code);
      });
    });
  }

  /** Starts `launch.sh`; what its processes print is appended to the run's output file. */
  static async start(paths: LaunchedRunPaths): Promise<TrainerProcess> {
    const mark = randomUUID();
    await writeJsonDurably(paths.process, { mark });
    const output = await open(paths.output, "a");
    try {
      const child = spawn("bash", [paths.script], {
        stdio: ["ignore", output.fd, output.fd],
        env: { ...process.env, [markVariable]: mark },
        // a Ctrl-C of the terminal reaches this process alone, which then stops the others in order
        detached: true,
      });
      return new TrainerProcess(child, mark, paths);
    } finally {
      await output.close();
    }
  }

  get running(): boolean {
    return !this.exited;
  }

  /** Resolves with the exit code, null after a signal, when all of the processes are gone. */
  async end(): Promise<number | null> {
    const code = await this.exit;
    await endMarked(this.mark);
    await rm(this.paths.process, { force: true });
    return code;
  }

  /** Asks torchrun to end its processes, then makes it; `end` sees to what is left. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    for (const until = Date.now() + graceMs; this.running && Date.now() < until;) await sleep(50);
    if (this.running) this.child.kill("SIGKILL");
  }
}

/** Ends the processes that an earlier launcher of this run left behind when it was killed. */
export async function stopLeftBehind(paths: LaunchedRunPaths, log: (line: string) => void): Promise<void> {
  const text = await readFile(paths.process, "utf8").catch(() => null);
  if (text === null) return;
  const { mark } = JSON.parse(text) as { mark: string };
  const left = marked(mark);
  if (left.length > 0) {
    log(
      `${left.length} processes of an earlier launcher still train in ${paths.run}: they are stopped first`,
    );
    left.forEach((pid) => signal(pid, "SIGTERM"));
    await sleep(1000);
    await endMarked(mark);
  }
  await rm(paths.process, { force: true });
}

/** A process whose parent was killed may not have noticed yet: nothing of a training outlives it. */
async function endMarked(mark: string): Promise<void> {
  for (let left = marked(mark); left.length > 0; left = marked(mark)) {
    left.forEach((pid) => signal(pid, "SIGKILL"));
    await sleep(50);
  }
}

/** Living processes of this user whose environment has the mark; none where there is no /proc. */
function marked(mark: string): number[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name) && environmentOf(name).includes(`${markVariable}=${mark}`))
    .map(Number);
}

/** Nothing for a process that ended, or is another user's. */
function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
