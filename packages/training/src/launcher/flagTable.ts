import { imageSize, type ModelConfig } from "@pairloom/clip";
import { type TrainSettings, trainSettings } from "../settings/trainSettings.js";
import type { EpochPlan } from "./epochPlan.js";

/** What open_clip is told of a setting. */
export interface Telling {
  /** Flags and their values, as they stand in the command; empty where it is told nothing. */
  flags: string[];
  /** Why it is told nothing, or something else. */
  note: string | null;
  /** The note matters: open_clip computes something else than our trainer would. */
  warns: boolean;
}

export interface TellContext {
  key: keyof TrainSettings;
  config: ModelConfig;
  plan: EpochPlan;
  batchSizePerProcess: number;
}

/** What open_clip's trainer (3.3.0, open_clip_train/params.py) is told of the setting `context.key`. */
export function tellOpenClip(settings: TrainSettings, context: TellContext): Telling {
  return (tellings[context.key] ?? untold)(settings, context);
}

type Tell = (settings: TrainSettings, context: TellContext) => Telling;

const told = (...flags: (string | number)[]): Telling => ({
  flags: flags.map(String),
  note: null,
  warns: false,
});
const noted = (note: string, ...flags: string[]): Telling => ({ flags, note, warns: false });
const warned = (note: string, ...flags: string[]): Telling => ({ flags, note, warns: true });

/** A value that open_clip keeps too is no news; another gets a warning. */
const only =
  (kept: unknown, note: string): Tell =>
  (settings, { key }) =>
    settings[key] === kept ? noted("open_clip does the same") : warned(note);

/** Settings that this table doesn't know yet: never dropped in silence. */
const untold: Tell = (settings, { key }) => {
  const { shape }: { shape: Partial<typeof trainSettings.shape> } = trainSettings;
  const usual = shape[key]?.safeParse(undefined);
  return usual?.success === true && usual.data === settings[key]
    ? noted("not handed over; it has its default")
    : warned("open_clip is not told of it");
};

const ours = "of our own trainer alone";
const afterwards = "a launched training isn't evaluated on the way; `pairloom eval` does it afterwards";

const tellings: Partial<Record<keyof TrainSettings, Tell>> = {
  data: () => noted("--train-data names its shards"),
  allowHeldOut: () => noted("it is looked at before open_clip starts"),
  model: () => noted("--model names the folder with its config and starting weights"),
  out: () => noted("--logs and --name lie in it"),
  recipe: () => noted("its values are in the other settings"),
  seed: ({ seed }) => told("--seed", seed),
  initialCheckpoint: () => noted("the starting weights lie beside the model's config"),
  resume: () => noted("--resume latest"),
  batchSize: (_, { batchSizePerProcess }) => told("--batch-size", batchSizePerProcess),
  accumulate: ({ accumulate }) => (accumulate === 1 ? noted("one part") : told("--accum-freq", accumulate)),
  loss: ({ loss }, { config }) => {
    const usual = typeof config.init_logit_bias === "number" ? "siglip" : "clip";
    return loss === null || loss === usual
      ? noted("follows the model's config")
      : warned("open_clip takes the loss that goes with the model's config");
  },
  lock: ({ lock }) =>
    lock === "none" ? noted("no tower is locked") : told(lock === "image" ? "--lock-image" : "--lock-text"),
  patchDropout: ({ patchDropout }, { config }) => {
    if (patchDropout > 0) return told("--force-patch-dropout", patchDropout);
    return noted(
      (config.vision_cfg.patch_dropout ?? 0) > 0 ? "the model's config says it" : "no patch is dropped",
    );
  },
  recompute: ({ recompute }) =>
    recompute ? told("--grad-checkpointing") : noted("nothing is computed again"),
  layerDecay: only(1, "open_clip has one rate for all layers"),
  emaDecay: only(null, "open_clip keeps no moving average"),
  steps: (_, { plan }) => told("--epochs", plan.epochs, "--train-num-samples", plan.samplesPerEpoch),
  epochs: () => noted("see steps"),
  lr: ({ lr }) => told("--lr", lr),
  textRate: only(1, "open_clip has one rate for both towers"),
  beta1: ({ beta1 }) => told("--beta1", beta1),
  beta2: ({ beta2 }) => told("--beta2", beta2),
  eps: ({ eps }) => told("--eps", eps),
  weightDecay: ({ weightDecay }) => told("--wd", weightDecay),
  warmup: ({ warmup }) => told("--warmup", warmup),
  schedule: ({ schedule }) => told("--lr-scheduler", schedule === "constant" ? "const" : schedule),
  gradClip: ({ gradClip }) => (gradClip === null ? noted("no clipping") : told("--grad-clip-norm", gradClip)),
  maxLogitScale: only(100, "open_clip keeps the logit scale at or below 100, always"),
  captions: only("first", "open_clip reads a sample's caption alone, not its other texts"),
  keepCaptionsApart: only(false, "open_clip doesn't keep equal captions apart"),
  cropMargin: ({ crop: kind, cropMargin }, { config }) =>
    kind === "square" ? crop(cropMargin, imageSize(config.vision_cfg)[0]) : noted("see crop"),
  cropMinArea: () => noted("see crop"),
  brightness: only(0, "open_clip's colour jitter is another one; none is switched on"),
  cacheMegabytes: () => noted(ours),
  shuffleWindow: () => noted("open_clip shuffles within 5,000 samples of each loader process"),
  prefetch: () => noted(ours),
  checkpointEvery: ({ checkpointEvery }, { plan }) => {
    const epochs = Math.max(1, Math.round(checkpointEvery / plan.stepsPerEpoch));
    const every = epochs * plan.stepsPerEpoch;
    const flags = ["--save-frequency", String(epochs)];
    if (every === checkpointEvery) return told(...flags);
    return warned(`open_clip saves after whole epochs: every ${every} steps`, ...flags);
  },
  checkpointMinutes: () => noted("open_clip saves after whole epochs"),
  keepBest: only(null, afterwards),
  dataWorkers: () => noted("--workers is the launcher's"),
  crop: ({ crop: kind, cropMinArea }) =>
    kind === "square"
      ? noted("see cropMargin")
      : told("--aug-cfg", `scale=(${cropMinArea},1.0)`, "ratio=(0.75,1.3333333)"),
  xla: only(false, "open_clip compiles by --torchcompile or not at all"),
  preflightSeconds: () => noted(ours),
  keepLast: () => noted("older ones are removed as new ones are imported"),
  evaluateEvery: only(null, afterwards),
  evaluateData: only(null, afterwards),
  zeroShotClasses: only(null, afterwards),
  tensorboard: ({ tensorboard }) =>
    tensorboard ? told("--report-to", "tensorboard") : noted("no event files"),
  engine: ({ engine }) =>
    engine === "auto" ? noted("open_clip computes") : warned("open_clip on PyTorch computes"),
  threads: () => noted("OMP_NUM_THREADS of each process"),
  precision: ({ precision }) => {
    const flag = precisions[precision];
    return flag === undefined ? warned("open_clip has no such precision") : told("--precision", flag);
  },
};

const precisions: Record<string, string> = { float32: "fp32", bf16: "amp_bf16" };

/** Our margin as open_clip's area: the same for square pictures (but for parts of pixels), not for others. */
function crop(margin: number, side: number): Telling {
  const share = (side / (side + margin)) ** 2;
  const area = Number(share.toFixed(6));
  return warned(
    `open_clip crops squares of ${(100 * share).toFixed(0)} % of the area: pictures that are not square are cropped otherwise`,
    "--aug-cfg",
    `scale=(${area},${area})`,
    "ratio=(1.0,1.0)",
  );
}
