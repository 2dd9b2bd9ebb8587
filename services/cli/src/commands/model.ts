import type { Command } from "commander";
import { createSay } from "../terminal/say.js";
import { jsonOption, wholeNumber } from "./options.js";

/** `pairloom model`: what a model is and costs, without making it. */
export function addModelCommand(program: Command): void {
  program
    .command("model")
    .description("a model's parameters, state keys, FLOPs and memory, without allocating it")
    .argument("[name]", "a model's name, or a JSON config in open_clip's schema; none lists the names")
    .option("--batch-size <n>", "memory to train with so many pairs a step", wholeNumber(1), 64)
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  $ pairloom model\n  $ pairloom model ViT-B-32 --batch-size 256\n")
    .action(async (name: string | undefined, options: { batchSize: number; json?: boolean }) => {
      const say = createSay(options.json ?? false);
      const { listModels, loadModelConfig, modelCost, stateShapes } = await import("@pairloom/clip");
      if (name === undefined) {
        const models = (await listModels()).sort();
        say.result({ models }, models.join("\n"));
        return;
      }
      const config = await loadModelConfig(name);
      const cost = modelCost(config);
      const states = [...stateShapes(config)].map(([key, { shape, kind, dtype }]) => ({
        key,
        shape,
        kind,
        dtype,
      }));
      const trainingBytes = cost.trainingBytes(options.batchSize);
      say.result(
        {
          name,
          config,
          parameters: cost.parameters,
          imageParameters: cost.imageParameters,
          textParameters: cost.textParameters,
          stateKeys: states.map(({ key }) => key),
          states,
          forwardFlops: cost.forwardFlops,
          batchSize: options.batchSize,
          trainingBytes,
        },
        [
          `${name}: ${cost.parameters.toLocaleString("en-US")} parameters`,
          `  image tower  ${cost.imageParameters.toLocaleString("en-US")}`,
          `  text tower   ${cost.textParameters.toLocaleString("en-US")} (with the logit scale)`,
          `  state keys   ${states.length}`,
          `  forward      ${(cost.forwardFlops / 1e9).toFixed(3)} GFLOP a pair`,
          `  training     about ${(trainingBytes / 1e9).toFixed(2)} GB at batch ${options.batchSize}`,
        ].join("\n"),
      );
    });
}
