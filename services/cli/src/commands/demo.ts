import type { EngineChoice } from "@pairloom/engine";
import type { Command } from "commander";
import type { DemoReport } from "../demo/demoRoad.js";
import { onStopSignal } from "../services/onStopSignal.js";
import { createSay } from "../terminal/say.js";
import { engineOption, jsonOption, wholeNumber } from "./options.js";

interface DemoCommandOptions {
  dir: string;
  seed: number;
  scale: number;
  engine: EngineChoice;
  steps?: number;
  port: number;
  dashboard: boolean;
  json?: boolean;
}

/** `pairloom demo`: the whole road on a web that it serves itself. */
export function addDemoCommand(program: Command): void {
  program
    .command("demo")
    .description("the whole road on a small web that it serves itself, then ask the model")
    .option("-d, --dir <folder>", "where everything goes; run again it goes on", "pairloom-demo")
    .option("--seed <n>", "of the web and the training", wholeNumber(0), 1)
    .option("--scale <x>", "size of the web; less is quicker, and proves less", Number, 1)
    .addOption(engineOption().default("auto"))
    .option("--steps <n>", "training steps (default: the recipe's)", wholeNumber(1))
    .option("--port <n>", "the dashboard's port (0: any free one)", wholeNumber(0), 0)
    .option("--no-dashboard", "without the dashboard")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom demo\n  $ pairloom demo --dir /tmp/demo --engine wasm --json\n",
    )
    .action(async (options: DemoCommandOptions) => {
      const { demoRoad } = await import("../demo/demoRoad.js");
      const say = createSay(options.json ?? false);
      let asked = false;
      onStopSignal(() => (asked = true));
      const report = await demoRoad(
        {
          dir: options.dir,
          seed: options.seed,
          scale: options.scale,
          engine: options.engine,
          ...(options.steps === undefined ? {} : { steps: options.steps }),
          dashboardPort: options.dashboard ? options.port : null,
          stopAsked: () => asked,
        },
        say,
      );
      say.result(report, lastLines(report));
    });
}

function lastLines({
  zeroShotTop1,
  heldOutClasses,
  classes,
  heldOutImages,
  recallAt1,
  recallAt5,
  paths,
  seconds,
}: DemoReport): string {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const total = Object.values(seconds).reduce((sum, n) => sum + n, 0);
  const example = heldOutClasses[0] ?? "red star";
  return `
Done in ${total.toFixed(0)} s. ${heldOutClasses.length} colour–shape combinations were never in training; the model names them right in
${percent(zeroShotTop1)} of ${heldOutImages} pictures, among ${classes} names. Sentence → image: recall@1 ${percent(recallAt1)}, recall@5 ${percent(recallAt5)}.

  report       ${paths.report}
  dataset      ${paths.trainRelease}
  checkpoint   ${paths.checkpoint}

Try next:
  pairloom search "a ${example}" --checkpoint ${paths.checkpoint} --release ${paths.heldOutRelease}
  pairloom status --dir ${paths.project}
  pairloom train --data ${paths.trainRelease} --model tiny --out my-run`;
}
