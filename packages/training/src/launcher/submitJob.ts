import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UserError } from "@pairloom/config";
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

/** Hands a prepared launch to Slurm or Kubernetes by their own commands. @throws UserError "job_refused" with what they say */
export async function submitJob(launch: PreparedLaunch): Promise<SubmittedJob> {
  return launch.manifest.launch.launcher === "slurm" ? submitSlurm(launch) : submitKubernetes(launch);
}

async function submitSlurm({ paths }: PreparedLaunch): Promise<SubmittedJob> {
  const answer = await command("sbatch", ["--parsable", paths.job.slurm]);
  const id = answer.trim().split(";")[0] ?? "";
  const state = async () =>
    (await command("squeue", ["--noheader", "--format=%T", `--jobs=${id}`]).catch(() => "")).trim();
  return {
    id,
    running: seldom(async () => (await state()) !== ""),
    stop: async () => void (await command("scancel", [id])),
    failure: () => Promise.resolve(`Slurm's job ${id} is over`),
  };
}

async function submitKubernetes({ paths, manifest, name }: PreparedLaunch): Promise<SubmittedJob> {
  const namespace = ["--namespace", manifest.launch.namespace];
  await command("kubectl", ["apply", ...namespace, "--filename", paths.job.kubernetes]);
  const ends = () =>
    command("kubectl", [
      "get",
      "job",
      name,
      ...namespace,
      "--output",
      "jsonpath={.status.conditions[*].type}",
    ]);
  return {
    id: name,
    running: seldom(async () => !/Complete|Failed/.test(await ends())),
    stop: async () => void (await command("kubectl", ["delete", "job", name, ...namespace])),
    failure: async () =>
      `the Job ${name} is over (${(await ends()).trim()}); \`kubectl logs job/${name}\` says more`,
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
