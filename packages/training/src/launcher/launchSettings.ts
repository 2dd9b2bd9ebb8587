import { UserError } from "@pairloom/config/errors";
import { z } from "zod";

export const launcherNames = ["torchrun", "slurm", "kubernetes"] as const;

const count = z.int().min(1);

/** How open_clip's processes are started: everything that is not the training's own setting. */
export const launchSettings = z.strictObject({
  launcher: z.enum(launcherNames),
  /** Processes on each node; one for each GPU. */
  processes: count.default(1),
  nodes: count.default(1),
  /** Loader processes of each process; null: four on GPUs, one on CPUs, as far as there are shards. */
  workers: z.int().min(0).nullable().default(null),
  /** Steps between two lines of open_clip's log. */
  logEvery: count.default(10),
  /** Draw shards with replacement: open_clip's epochs may then be shorter than a pass over the data. */
  resampled: z.boolean().default(false),
  /** "auto" asks PyTorch with torchrun, and means CUDA elsewhere. */
  device: z.enum(["auto", "cpu", "cuda"]).default("auto"),
  /** The Python that has open_clip, where the processes run. */
  python: z.string().min(1).default("python3"),
  /** HOST:PORT of the first node, where torchrun is started on several nodes by hand. */
  rendezvous: z
    .string()
    .regex(/^[A-Za-z0-9.[\]:-]+:\d+$/, "must be HOST:PORT")
    .nullable()
    .default(null),
  /** sbatch's --partition, --account and --time. */
  partition: z.string().min(1).nullable().default(null),
  account: z.string().min(1).nullable().default(null),
  timeLimit: z.string().min(1).nullable().default(null),
  /** A container image that holds PyTorch and open_clip. */
  image: z.string().min(1).nullable().default(null),
  namespace: z.string().min(1).default("default"),
  /** A volume claim that holds release and run, and where it is mounted: the folder that it is here. */
  claim: z.string().min(1).nullable().default(null),
  mount: z.string().startsWith("/").nullable().default(null),
});

export type LaunchSettings = z.infer<typeof launchSettings>;
export type LaunchSettingsInput = z.input<typeof launchSettings>;
export type LauncherName = LaunchSettings["launcher"];

/** @throws UserError "launch_settings_invalid" naming the field */
export function resolveLaunchSettings(input: LaunchSettingsInput): LaunchSettings {
  const parsed = launchSettings.safeParse(input);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw invalid(`\`${issue?.path.join(".") ?? ""}\`: ${issue?.message ?? "invalid"}`);
  }
  const { launcher, nodes, rendezvous, image, claim, mount } = parsed.data;
  if (launcher === "torchrun" && nodes > 1 && rendezvous === null) {
    throw invalid("several nodes need `rendezvous`, HOST:PORT of the first: torchrun's processes meet there");
  }
  if (launcher === "kubernetes" && (image === null || claim === null || mount === null)) {
    throw invalid(
      "kubernetes needs `image`, and `claim` with `mount`: the volume that holds release and run",
    );
  }
  return parsed.data;
}

function invalid(problem: string): UserError {
  return new UserError("launch_settings_invalid", `Launcher: ${problem}`, {
    hint: "`pairloom train --help` lists the launcher's options; docs/launcher.md has examples.",
  });
}
