import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { open, readFile, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { writeJsonDurably } from "../run/writeDurably.js";
import type { LaunchedRunPaths } from "./launchedRun.js";

/** torchrun sends its processes SIGTERM and gives them 30 seconds. */
const graceMs = 40_000;

/** The processes of a training on this machine: `launch.sh`, which becomes torchrun, and all below it. */
export class TrainerProcess {
  private readonly exit: Promise<number | null>;
  private exited = false;

  private constructor(
    private readonly child: ChildProcess,
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
    const output = await open(paths.output, "a");
    try {
      const child = spawn("bash", [paths.script], {
        stdio: ["ignore", output.fd, output.fd],
        // a Ctrl-C of the terminal reaches this process alone, which then stops the others in order
        detached: true,
      });
      const started = new TrainerProcess(child, paths);
      const pid = child.pid;
      if (pid !== undefined) await writeJsonDurably(paths.process, { pid, start: startOf(pid) });
      return started;
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
    await rm(this.paths.process, { force: true });
    return code;
  }

  /** Asks all processes to end, then makes them. */
  async stop(): Promise<void> {
    if (this.child.pid !== undefined && this.running) await stopTree(this.child.pid, () => this.running);
  }
}

/** Ends the processes that an earlier launcher of this run left behind when it was killed. */
export async function stopLeftBehind(paths: LaunchedRunPaths, log: (line: string) => void): Promise<void> {
  const text = await readFile(paths.process, "utf8").catch(() => null);
  if (text === null) return;
  const { pid, start } = JSON.parse(text) as { pid: number; start: string | null };
  const alive = () => start !== null && startOf(pid) === start;
  if (alive()) {
    log(`process ${pid} of an earlier launcher still trains in ${paths.run}: it is stopped first`);
    await stopTree(pid, alive);
  }
  await rm(paths.process, { force: true });
}

async function stopTree(pid: number, alive: () => boolean): Promise<void> {
  const tree = [pid, ...descendants(pid)].map((id) => ({ id, start: startOf(id) }));
  signal(pid, "SIGTERM");
  for (const until = Date.now() + graceMs; alive() && Date.now() < until;) await sleep(50);
  // whoever is left of the tree, and is still the process that it was
  for (const { id, start } of tree) if (start !== null && startOf(id) === start) signal(id, "SIGKILL");
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** All processes below one, by /proc; none where there is no /proc. */
function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  for (const name of names.filter((entry) => /^\d+$/.test(entry))) {
    const parent = Number(statOf(Number(name))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below: number[] = [];
  for (const queue = [root]; queue.length > 0;) {
    const own = children.get(queue.pop()!) ?? [];
    below.push(...own);
    queue.push(...own);
  }
  return below;
}

/** When a process began, in ticks since boot; null where there is no such process, or no /proc. A dead one that waits for its parent is none. */
function startOf(pid: number): string | null {
  const stat = statOf(pid);
  return stat === null || stat[0] === "Z" ? null : (stat[19] ?? null);
}

/** The fields of /proc/PID/stat after the name: state, parent, … */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}
