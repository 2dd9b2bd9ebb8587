import { open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "@pairloom/config/errors";
import type { HeldLock } from "@pairloom/storage/lock";
import { checkpointFiles } from "../run/checkpoint.js";
import { failureText } from "./failureText.js";
import { LogFollower } from "./logFollower.js";
import { importEpochs, listEpochs, setDamagedAside } from "./importOpenClip.js";
import type { LaunchedMetrics } from "./openClipLog.js";
import type { PreparedLaunch } from "./prepareLaunch.js";
import { stopLeftBehind, TrainerProcess } from "./trainerProcess.js";

export interface LaunchOptions {
  /** Called for each step that open_clip's log tells of. */
  onStep?: (metrics: LaunchedMetrics) => void;
  log?: (line: string) => void;
  /** Aborted: all processes are stopped; the run can be resumed from open_clip's newest checkpoint. */
  signal?: AbortSignal;
}

/** What `lockRun` gives: nothing is written once it is lost. */
export type GuardedLaunchOptions = LaunchOptions & { lock: Pick<HeldLock, "assertHeld"> };

/** Something that trains: processes here, or a job elsewhere. */
export interface Trainer {
  /** False once it ended by itself or was stopped. */
  running(): Promise<boolean>;
  stop(): Promise<void>;
  /** Why it ended without its last checkpoint. */
  failure(): Promise<string>;
}

export interface LaunchedResult {
  status: "finished" | "stopped";
  /** Of the newest imported checkpoint; 0 where there is none. */
  step: number;
  steps: number;
  checkpoint: string | null;
  last: LaunchedMetrics | null;
  seconds: number;
}

const lookEveryMs = 300;
const importEveryMs = 2000;
const mostOutputBytes = 16 << 20;

/** Runs a prepared launch on this machine under torchrun. @throws UserError "launched_training_failed" with the last lines of its error */
export async function trainHere(
  launch: PreparedLaunch,
  options: GuardedLaunchOptions,
): Promise<LaunchedResult> {
  const { paths } = launch;
  await stopLeftBehind(paths, options.log ?? (() => {}));
  await setDamagedAside(paths, (line) => options.log?.(`warning: ${line}`));
  const from = await stat(paths.output).then(
    ({ size }) => size,
    () => 0,
  );
  const process = await TrainerProcess.start(paths);
  try {
    return await followTrainer(launch, options, {
      running: () => Promise.resolve(process.running),
      stop: () => process.stop(),
      failure: async () => {
        const code = await process.end();
        const output = await endOf(paths.output, from);
        return `exit code ${code ?? "none"}\n${failureText(output)}`;
      },
    });
  } finally {
    await process.end();
  }
}

/**
 * Follows a training to its end: its log into `metrics.jsonl`, its checkpoints into `checkpoints`.
 *
 * @throws UserError "launched_training_failed", or "training_diverged" where the loss is no number any more
 */
export async function followTrainer(
  launch: PreparedLaunch,
  options: GuardedLaunchOptions,
  trainer: Trainer,
): Promise<LaunchedResult> {
  const { paths, config, manifest, settings } = launch;
  const started = performance.now();
  const follower = new LogFollower(paths, { ...settings, ...manifest.plan });
  const collect = async () => {
    options.lock.assertHeld();
    const imported = await importEpochs(paths, config, manifest, settings.keepLast);
    for (const step of imported) options.log?.(`checkpoint ${checkpointFiles(paths.run, step).model}`);
  };
  // what was logged before this training began is no news
  await follower.read();
  let running = true;
  try {
    for (let collected = 0; running && options.signal?.aborted !== true;) {
      running = await trainer.running();
      options.lock.assertHeld();
      for (const metrics of await follower.read()) {
        if (!Number.isFinite(metrics.loss)) throw diverged(metrics);
        options.onStep?.(metrics);
      }
      if (performance.now() - collected > importEveryMs || !running) {
        collected = performance.now();
        await collect();
      }
      if (running) await sleep(lookEveryMs, undefined, { signal: options.signal }).catch(() => {});
    }
  } finally {
    if (running) await trainer.stop();
  }
  await follower.read();
  await collect();
  const last = (await listEpochs(paths)).at(-1)?.epoch ?? 0;
  const step = last * manifest.plan.stepsPerEpoch;
  const finished = step >= manifest.plan.steps;
  if (!finished && !running) throw failed(await trainer.failure(), launch, step);
  return {
    status: finished ? "finished" : "stopped",
    step,
    steps: manifest.plan.steps,
    checkpoint: step === 0 ? null : checkpointFiles(paths.run, step).model,
    last: follower.last,
    seconds: (performance.now() - started) / 1000,
  };
}

/** What is in a file from a byte on, of which the last 16 MiB tell enough. */
async function endOf(path: string, from: number): Promise<string> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const start = Math.max(from, size - mostOutputBytes);
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(Math.max(1, size - start)),
      position: start,
    });
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await handle.close();
  }
}

function diverged({ step, loss }: LaunchedMetrics): UserError {
  return new UserError("training_diverged", `Step ${step}: the loss is ${loss}; open_clip was stopped`, {
    hint: "Its last checkpoint is kept. Try a lower --lr, a longer warm-up or gradient clipping.",
  });
}

function failed(why: string, { paths }: PreparedLaunch, step: number): UserError {
  return new UserError("launched_training_failed", `open_clip ended before its last checkpoint: ${why}`, {
    hint:
      `Everything that it printed is in ${paths.output}.` +
      (step === 0 ? "" : ` Go on after step ${step} with --resume.`),
  });
}
