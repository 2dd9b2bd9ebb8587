import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { UserError } from "@pairloom/config/errors";
import { writeJsonDurably } from "../run/writeDurably.js";
import type { PreparedLaunch } from "./prepareLaunch.js";
import type { Trainer } from "./trainLaunched.js";

const execute = promisify(execFile);

/** Asking a cluster costs it something. */
const askEveryMs = 10_000;

/** A job that a cluster has taken. */
export interface SubmittedJob extends Trainer {
  /** Slurm's number, or the Kubernetes Job's name. */
  id: string;
}

/**
 * Hands a prepared launch to Slurm or Kubernetes by their own commands.
 *
 * @throws UserError "job_refused" with what they say, "job_at_work" while the run's earlier job is not over
 */
export async function submitJob(launch: PreparedLaunch): Promise<SubmittedJob> {
  const { paths, name, manifest } = launch;
  const earlier = await readFile(paths.submitted, "utf8").catch(() => null);
  if (earlier !== null) {
    const { id } = JSON.parse(earlier) as { id: string };
    if (await jobOf(launch, id).running()) {
      throw new UserError("job_at_work", `The job ${id} still trains in ${paths.run}`, {
        hint: `Wait for it, or end it. Metrics and checkpoints as they are now: pairloom checkpoints import ${paths.run}`,
      });
    }
  }
  const id =
    manifest.launch.launcher === "slurm" ? await submitSlurm(launch) : await submitKubernetes(launch);
  await writeJsonDurably(paths.submitted, { id, name });
  return jobOf(launch, id);
}

async function submitSlurm({ paths }: PreparedLaunch): Promise<string> {
  const answer = await command("sbatch", ["--parsable", paths.job.slurm]);
  return answer.trim().split(";")[0] ?? "";
}

async function submitKubernetes({ paths, manifest, name }: PreparedLaunch): Promise<string> {
  const namespace = ["--namespace", manifest.launch.namespace];
  // a Job that is over can't be run again: it makes room for its successor
  await command("kubectl", ["delete", "job", name, ...namespace, "--ignore-not-found"]);
  await command("kubectl", ["apply", ...namespace, "--filename", paths.job.kubernetes]);
  return name;
}

function jobOf({ manifest }: PreparedLaunch, id: string): SubmittedJob {
  if (manifest.launch.launcher === "slurm") {
    const list = ["--noheader", "--format=%T", `--jobs=${id}`];
    return {
      id,
      // squeue knows nothing of a job that has been over for long, and says so by an error
      running: seldom(async () => (await command("squeue", list).catch(() => "")).trim() !== ""),
      stop: async () => void (await command("scancel", [id])),
      failure: () => Promise.resolve(`Slurm's job ${id} is over`),
    };
  }
  const job = ["job", id, "--namespace", manifest.launch.namespace];
  const ends = () =>
    command("kubectl", [
      "get",
      ...job,
      "--ignore-not-found",
      "--output",
      "jsonpath={.metadata.name} {.status.conditions[*].type}",
    ]);
  return {
    id,
    running: seldom(async () => {
      const answer = (await ends()).trim();
      return answer !== "" && !/ (.* )?(Complete|Failed)\b/.test(answer);
    }),
    stop: async () => void (await command("kubectl", ["delete", ...job])),
    failure: async () =>
      `the Job ${id} is over (${(await ends()).trim()}); \`kubectl logs job/${id}\` says more`,
  };
}

/** Asks at most every `askEveryMs`; in between the last answer holds. */
function seldom(ask: () => Promise<boolean>): () => Promise<boolean> {
  let at = -Infinity;
  let answer = true;
  return async () => {
    if (performance.now() - at < askEveryMs) return answer;
    at = performance.now();
    return (answer = await ask());
  };
}

async function command(name: string, args: string[]): Promise<string> {
  try {
    return (await execute(name, args)).stdout;
  } catch (cause) {
    const { code, stderr } = cause as { code?: string | number; stderr?: string };
    const why = code === "ENOENT" ? `there is no \`${name}\` here` : (stderr ?? "").trim();
    throw new UserError("job_refused", `\`${name} ${args.join(" ")}\` failed: ${why}`, {
      hint: "The job's description is written; submit it where the cluster's commands are.",
      cause,
    });
  }
}
