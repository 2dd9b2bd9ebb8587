import type { Command } from "commander";
import type { OpenModel } from "../project/openModel.js";
import type { Say } from "../terminal/say.js";
import {
  addEvalOptions,
  type EvalOptions,
  type Evaluation,
  percent,
  runEvaluation,
  setOptions,
  subjectOf,
  unreadPictures,
} from "./evalOptions.js";

interface RetrievalOptions extends EvalOptions {
  captionColumn?: string;
}

/** `pairloom eval retrieval`. */
export function addRetrievalCommand(evaluation: Command): void {
  addEvalOptions(
    evaluation
      .command("retrieval")
      .description("find pictures by their captions and captions by their pictures: recall at 1, 5 and 10"),
  )
    .option("--caption-column <name>", "a table's column of captions, a row each (default: caption)")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ pairloom eval retrieval --checkpoint runs/first/checkpoints/step-000500.safetensors --data data/releases/r0001\n" +
        "  $ pairloom eval retrieval --checkpoint model.safetensors --model ViT-B-32 --data wds_mscoco_captions/\n",
    )
    .action((options: RetrievalOptions) => runEvaluation(options, true, evaluateRetrieval));
}

async function evaluateRetrieval(
  { model, name }: OpenModel,
  options: RetrievalOptions,
  say: Say,
): Promise<Evaluation> {
  const { embedSet } = await import("../project/embedSet.js");
  const evaluation = await import("@pairloom/evaluation");
  const columns = setOptions(options, { caption: options.captionColumn });
  const set = await evaluation.openCaptionedSet(options.data, columns);
  const { features, kept, skipped, ...left } = await embedSet(
    model,
    set,
    ({ captions }) => captions,
    { ...options, name: options.data },
    say,
  );
  const captions = kept.flat();
  const pictureOf = kept.flatMap((own, picture) => own.map(() => picture));
  say.info(`embedding ${captions.length} texts`);
  const texts = await evaluation.textFeatures(model, captions, options.batchSize);
  const result = await evaluation.retrieval(features, texts, captions, [1, 5, 10], pictureOf);
  const { pictures, repeatedCaptions, textToImage, imageToText, strict } = result;
  const row = (label: string, recall: Record<number, number>) =>
    `  ${label.padEnd(34)}${[1, 5, 10].map((k) => percent(recall[k]!).padStart(9)).join("")}`;
  return {
    result: evaluation.retrievalBenchmark(subjectOf(name, options), result),
    counts: {
      pairs: captions.length,
      pictures,
      repeatedCaptions,
      skipped,
      ...left,
      equalCaptions: { textToImage, imageToText },
    },
    text: [
      `${pictures} pictures, ${captions.length} texts, ${repeatedCaptions} of them more than once` +
        unreadPictures(skipped),
      `  ${"recall at".padEnd(34)}        1        5       10`,
      row("text → its picture", strict.textToImage),
      row("picture → a text of its own", strict.imageToText),
      row("text → a picture of that text", textToImage),
      row("picture → a text like its own", imageToText),
    ].join("\n"),
  };
}
