import { UserError } from "@pairloom/config";
import type { EvaluatedModel, FeatureTable, LeftOut } from "@pairloom/evaluation";
import { LiveBlock } from "../terminal/liveBlock.js";
import type { Say } from "../terminal/say.js";

export interface EmbeddedSet<T> {
  /** Normalised, a row for each of `kept`. */
  features: FeatureTable;
  kept: T[];
  /** Pictures that could not be decoded, … */
  skipped: number;
  /** … and with what the dataset itself left out: counts by reason, and the first of each. */
  leftOut: Record<string, number>;
  leftOutFirst: Record<string, string>;
}

/**
 * Embeds the pictures of a set, says how far it is, and warns of what is left out.
 *
 * @param options.limit pictures that are looked at, the first
 * @param options.name what the pictures are, for messages
 * @throws UserError "nothing_to_evaluate" where no picture could be used
 */
export async function embedSet<P extends { image: Uint8Array; from: string }, T>(
  model: EvaluatedModel,
  set: { pictures: AsyncIterable<P>; leftOut: LeftOut; notes?: string[] },
  keep: (picture: P) => T,
  options: { limit?: number | undefined; batchSize: number; name: string },
  say: Say,
): Promise<EmbeddedSet<T>> {
  const { embedPictures, PreprocessThreads } = await import("@pairloom/evaluation");
  const { preprocessingOf } = await import("@pairloom/clip");
  for (const note of set.notes ?? []) say.warn(note);
  const live = new LiveBlock();
  const started = performance.now();
  let count = 0;
  const line = () => {
    const rate = count / ((performance.now() - started) / 1000);
    return `${options.name}: ${count.toLocaleString("en-US")} pictures, ${rate.toFixed(0)} a second`;
  };
  async function* counted(): AsyncGenerator<P> {
    for await (const picture of set.pictures) {
      if (count >= (options.limit ?? Infinity)) return;
      count++;
      if (count % options.batchSize === 0) live.draw(line(), line());
      yield picture;
    }
  }
  // an engine's step holds this thread: pictures are decoded and resized in others meanwhile
  const threads = new PreprocessThreads(preprocessingOf(model.config));
  const { features, kept, skipped } = await embedPictures(model, counted(), keep, {
    batchSize: options.batchSize,
    preprocess: (image) => threads.preprocess(image),
    onLost: ({ from }) => set.leftOut.add("a picture that can't be decoded", from),
  }).finally(() => threads.close());
  live.finish(line(), line());
  for (const problem of set.leftOut.lines()) say.warn(problem);
  if (features.rows === 0)
    throw new UserError("nothing_to_evaluate", `No picture of ${options.name} could be used`, {
      hint: "Are there pictures, can they be decoded, and do labels or captions belong to them?",
    });
  return { features, kept, skipped, leftOut: set.leftOut.counts(), leftOutFirst: set.leftOut.examples() };
}
