import type { Command } from "commander";
import { createSay } from "../terminal/say.js";
import { jsonOption, wholeNumber } from "./options.js";

/** `pairloom model`: what a model is and costs, without making it. */
export function addModelCommand(program: Command): void {
  program
    .command("model")
    .description("a model's parameters, state keys, FLOPs and memory, without allocating it")
    .argument("[name]", "a model's name, or a JSON config in open_clip's schema; none lists the models")
    .option("--batch-size <n>", "memory to train with so many pairs a step", wholeNumber(1), 64)
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  $ pairloom model\n  $ pairloom model ViT-B-32 --batch-size 256\n")
    .action(async (name: string | undefined, options: { batchSize: number; json?: boolean }) => {
      const say = createSay(options.json ?? false);
      const { listModels, loadModelConfig, modelCost, stateShapes } = await import("@pairloom/clip");
      if (name === undefined) {
        const models = await Promise.all(
          (await listModels()).map(async (model) => {
            const { parameters, forwardFlops, trainingBytes } = modelCost(await loadModelConfig(model));
            return { name: model, parameters, forwardFlops, trainingBytes: trainingBytes(options.batchSize) };
          }),
        );
        models.sort((a, b) => a.forwardFlops - b.forwardFlops);
        const { batchSize } = options;
        say.result(
          { models: models.map((model) => model.name), batchSize, costs: models },
          tableOf(models, batchSize),
        );
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
          imageFlops: cost.imageFlops,
          textFlops: cost.textFlops,
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

interface Listed {
  name: string;
  parameters: number;
  forwardFlops: number;
  trainingBytes: number;
}

/** The cheapest first. */
function tableOf(models: readonly Listed[], batchSize: number): string {
  const row = (cells: string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : cell.padStart(14))).join("");
  return [
    row(["", "parameters", "GFLOP a pair", `GB, batch ${batchSize}`]),
    ...models.map(({ name, parameters, forwardFlops, trainingBytes }) =>
      row([
        name,
        `${(parameters / 1e6).toFixed(1)} M`,
        (forwardFlops / 1e9).toFixed(2),
        (trainingBytes / 1e9).toFixed(1),
      ]),
    ),
  ].join("\n");
}
