import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "@pairloom/config";
import type { TrainSettingsInput } from "@pairloom/training";
import { Option, type Command } from "commander";
import { cacheDir } from "../project/environment.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import { createSay } from "../terminal/say.js";
import { onParentGone, onStopSignal } from "../services/onStopSignal.js";
import { addLauncherOptions, type LauncherOptions, splitLauncherOptions } from "./launcherOptions.js";
import { engineOption, evaluationOptions, jsonOption, setOption, wholeNumber } from "./options.js";
import { trainLaunched } from "./trainLaunched.js";

type TrainOptions = LauncherOptions & TrainSettingsInput & { json?: boolean; set?: TrainSettingsInput };

const number = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || text.trim() === "")
    throw new UserError("option_invalid", `expected a number, got ${JSON.stringify(text)}`, { exitCode: 2 });
  return value;
};

/** `pairloom train`: trains a two-tower CLIP on a release, in this process. */
export function addTrainCommand(program: Command): void {
  const command = program.command("train");
  for (const option of [...evaluationOptions(), setOption()]) command.addOption(option);
  command
    .description("train a two-tower CLIP on a release (or on any webdataset shards)")
    .requiredOption("--data <folder>", "the release")
    .option("--allow-held-out", "train even on a release that hold-out rules keep for evaluations")
    .requiredOption("--out <folder>", "the run: metrics, checkpoints, everything to resume")
    .option(
      "--model <name>",
      "a model's name, or a JSON config in open_clip's schema (default: that of --initial-checkpoint, or tiny)",
    )
    .addOption(
      new Option("--recipe <name>", "values for what is not given").choices(["laptop", "openai", "finetune"]),
    )
    .option("--steps <n>", "optimizer steps", wholeNumber(1))
    .option("--epochs <n>", "passes over the data", number)
    .option("--batch-size <n>", "pairs in a step", wholeNumber(2))
    .option("--seed <n>", "of initial values, order and crops", wholeNumber(0))
    .option("--lr <rate>", "the highest learning rate", number)
    .option("--text-rate <x>", "the text tower's rate as a share of --lr", number)
    .option("--max-logit-scale <x>", "the learned scale of the logits stays at or below this", number)
    .option("--weight-decay <rate>", "AdamW's decoupled decay", number)
    .option("--warmup <steps>", "steps in which the rate rises", wholeNumber(0))
    .option("--grad-clip <norm>", "largest global norm of the gradient", number)
    .option("--layer-decay <x>", "each layer's rate is this times that of the layer above it", number)
    .option("--ema-decay <x>", "checkpoints hold a moving average of the parameters with this decay", number)
    .addOption(new Option("--lock <tower>", "a tower that stays as it is").choices(["none", "image", "text"]))
    .addOption(new Option("--loss <name>", "softmax or sigmoid loss").choices(["clip", "siglip"]))
    .option("--patch-dropout <share>", "patches that each picture does without in a step", number)
    .option("--keep-captions-apart", "equal captions go to different batches as far as the data allow")
    .option(
      "--accumulate <n>",
      "parts that a batch is gone through in; the loss is the whole batch's",
      wholeNumber(1),
    )
    .option("--recompute", "transformer blocks are computed again for the gradient: less memory")
    .addOption(
      new Option("--precision <name>", "of products (tensorflow engine)").choices(["float32", "bf16"]),
    )
    .option("--xla", "let TensorFlow's XLA compile the step")
    .option("--initial-checkpoint <file>", "start from these weights: a file, or a model's folder")
    .option("--checkpoint-every <n>", "steps between checkpoints", wholeNumber(1))
    .option("--checkpoint-minutes <n>", "and minutes", number)
    .option("--keep-last <n>", "checkpoints that stay", wholeNumber(1))
    .option("--keep-best <metric>", "the one with the best value of an evaluation's metric stays as well")
    .option(
      "--preflight-seconds <n>",
      "learns a few pairs by heart first, for at most so long; 0 skips it",
      number,
    )
    .addOption(
      new Option("--crop <kind>", "a random square, or a random part (RandomResizedCrop)").choices([
        "square",
        "resized",
      ]),
    )
    .option("--crop-min-area <share>", "of resized: the least share of the picture's area", number)
    .option("--data-workers <n>", "threads that make batches ready", wholeNumber(0))
    .option("--resume", "go on where the run stopped (starts it where there is none)")
    .addOption(engineOption())
    .option("--threads <n>", "CPU threads", wholeNumber(1))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ pairloom train --data data/releases/r0001 --out runs/first
  $ pairloom train --data data/releases/r0001 --model ViT-B-32 --out runs/big --recipe openai --batch-size 64 --steps 1000
  $ pairloom train --data data/releases/r0001 --out runs/first --resume
  $ pairloom train --data data/releases/r0001 --out runs/wide --launcher torchrun --processes 8 --batch-size 2048
`,
    )
    .action(async ({ json, set, ...given }: TrainOptions) => {
      const { loadEngine } = await import("@pairloom/engine");
      const { evaluateTraining } = await import("../project/evaluateTraining.js");
      const say = createSay(json ?? false);
      const [launcher, settled] = splitLauncherOptions(given);
      const options: TrainSettingsInput = { ...settled, ...set };
      const { checkTrainingInput, train } = await import("@pairloom/training");
      const settings = await checkTrainingInput(options);
      if (launcher.launcher !== undefined) {
        await trainLaunched(settings, launcher.launcher, launcher, say);
        return;
      }
      const stop = new AbortController();
      onStopSignal(() => stop.abort());
      onParentGone(() => stop.abort());
      const engine = await loadEngine(settings.engine, {
        cacheDir: cacheDir(),
        xla: settings.xla,
        ...(settings.threads === null ? {} : { threads: settings.threads }),
      });
      const live = new LiveBlock(process.stderr, Infinity); // elsewhere than on a terminal the log's lines say as much
      let shown = "";
      try {
        const evaluate = await evaluateTraining(settings, (line) => say.info(line));
        const result = await train(settings, {
          engine,
          evaluate,
          log: (line) => say.info(line),
          signal: stop.signal,
          onStep: (metrics) => {
            shown =
              `  step ${metrics.step}  loss ${metrics.loss.toFixed(4)}  scale ${metrics.logitScale.toFixed(2)}  ` +
              `lr ${metrics.lr.toExponential(2)}  ${metrics.samplesPerSecond.toFixed(0)} samples/s`;
            live.draw(shown, shown.trim());
          },
        });
        if (shown !== "") live.finish(shown, shown.trim());
        await sleep(0);
        const text =
          result.status === "finished"
            ? `Finished after ${result.step} steps: ${result.checkpoint}`
            : `Stopped after step ${result.step} of ${result.steps}; go on with: pairloom train --data ${settings.data} --out ${settings.out} --resume`;
        say.result(result, text);
      } finally {
        await engine.dispose();
      }
    });
  addLauncherOptions(command);
}
