import { runWorker, type Road, type RunningWorker } from "@pairloom/queue";
import type { Store } from "@pairloom/storage";
import { defaultLeaseMs, LockWatch } from "@pairloom/storage/lock";
import { type DeviceHold, holdDevice } from "./deviceLock.js";
import { putBackTrainings } from "./putBackTrainings.js";
import { deviceLane } from "./runJob.js";
import { type SpawnTraining, trainJob } from "./trainJob.js";

export interface TrainerContext {
  road: Road;
  store: Store;
  spawn: SpawnTraining;
  /** Names of all runs of the project. */
  runNames: () => Promise<string[]>;
  /** True where a run's newest checkpoint is that of its last step. */
  isFinished: (run: string) => Promise<boolean>;
  readProgress: (run: string) => Promise<object>;
}

export interface TrainerOptions {
  /** What this trainer computes on, where nobody else does. */
  devices: readonly string[];
  log: (line: string) => void;
  onFatal: (error: unknown) => void;
  /** Where devices are locked; the machine's folder by default. */
  lockFolder?: string | undefined;
  /** After how long without a sign of life the lock of a process elsewhere has expired. */
  leaseMs?: number | undefined;
}

export type RunningTrainer = RunningWorker;

const lookEveryMs = 1000;
const putBackEveryMs = 10_000;

/**
 * Serves the training queue: one worker for each device of this machine that no other trainer of the project serves, one
 * training at a time. Devices that another serves are asked for again each second, so that one takes over when another dies.
 * The device itself is held while a training runs, whatever project it is of.
 */
export function runTrainer(context: TrainerContext, options: TrainerOptions): RunningTrainer {
  const { log } = options;
  const served = new Map<string, { hold: DeviceHold; worker: RunningWorker }>();
  const settled = new Set<string>();
  const { lockFolder, leaseMs = defaultLeaseMs } = options;
  const locks = { leaseMs, watch: new LockWatch() };
  const hold = (name: string) => holdDevice(name, lockFolder, locks);
  let putBackAt = 0;
  let stopping = false;

  const serve = async (device: string): Promise<void> => {
    const lane = await hold(`${device} ${context.store.url}`);
    if (lane === null) return;
    const jobContext = { ...context, hold, leaseMs };
    const worker = runWorker(context.road, "trainer", (job) => trainJob(jobContext, job), {
      log,
      onFatal: options.onFatal,
      concurrency: 1,
      lane: deviceLane(device),
    });
    served.set(device, { hold: lane, worker });
    lane.lost.addEventListener("abort", () => {
      log(`trainer: another trainer serves ${device} now, since this one stood still`);
      void worker.stop(0).then(() => served.delete(device), options.onFatal);
    });
  };
  const look = async (): Promise<void> => {
    for (const device of options.devices) if (!served.has(device) && !stopping) await serve(device);
    if (Date.now() < putBackAt) return;
    putBackAt = Date.now() + putBackEveryMs;
    await putBackTrainings(context, await context.runNames(), settled);
  };
  let looking = Promise.resolve();
  const tick = () => {
    looking = look().catch((error: unknown) => {
      if (!stopping) log(`trainer: ${error instanceof Error ? error.message : String(error)}`);
    });
    void looking.then(() => {
      if (!stopping) timer = setTimeout(tick, lookEveryMs);
    });
  };
  let timer = setTimeout(tick, 0);

  return {
    // a training lasts longer than any patience: it is asked to write a checkpoint at once
    stop: async (graceMs = 0) => {
      stopping = true;
      clearTimeout(timer);
      await looking;
      await Promise.all([...served.values()].map(({ worker }) => worker.stop(graceMs)));
      await Promise.all([...served.values()].map(({ hold }) => hold.release()));
    },
  };
}
