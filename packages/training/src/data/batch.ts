import { UserError } from "@pairloom/config/errors";
import type { ShardCursor } from "@pairloom/shards";
import { countFalseNegatives } from "./falseNegatives.js";
import type { RowArrays, RowNote } from "./makeRows.js";

/** What a step takes. Its arrays may be written anew once the next batch is asked for. */
export interface Batch {
  /** [B, S, S, 3], normalised. */
  images: Float32Array;
  /** [B, T], as the tokenizer gives them. */
  tokens: Int32Array;
  /** The samples' keys and the texts that were chosen, for messages. */
  keys: string[];
  texts: string[];
  /** Where the batch after this one is read, where the data are streamed. */
  cursor: ShardCursor | null;
  /** Pairs {i, j} of equal caption (whatever its case) or of one picture. */
  falseNegatives: number;
  /** Texts with more tokens than the context holds. */
  truncatedCaptions: number;
  /** Rows whose picture can't be decoded: another pair of the batch stands in their place. */
  replacedPictures: number;
}

/**
 * A batch of rows that are made. A row without a picture becomes a copy of the next that has one (behind the last, of
 * the first), so that the order of
 * the data never depends on damage.
 *
 * @throws UserError "release_damaged" where no row has a picture
 */
export function finishBatch(
  { images, tokens }: RowArrays,
  notes: readonly (RowNote | null)[],
  cursor: ShardCursor | null,
): Batch {
  const rows = notes.length;
  const [pixels, context] = [images.length / rows, tokens.length / rows];
  const whole: RowNote[] = [];
  let next = notes.findIndex((note) => note !== null);
  if (next === -1) {
    throw new UserError("release_damaged", "No picture of a whole batch can be decoded", {
      hint: "`pairloom shards verify` says what is wrong with the release.",
    });
  }
  for (let row = rows - 1; row >= 0; row--) {
    if (notes[row] !== null) next = row;
    else {
      images.copyWithin(row * pixels, next * pixels, (next + 1) * pixels);
      tokens.copyWithin(row * context, next * context, (next + 1) * context);
    }
    whole[row] = notes[next] as RowNote;
  }
  const keys = whole.map(({ key }) => key);
  const texts = whole.map(({ text }) => text);
  return {
    images,
    tokens,
    keys,
    texts,
    cursor,
    falseNegatives: countFalseNegatives(keys, texts),
    truncatedCaptions: whole.filter(({ truncated }) => truncated).length,
    replacedPictures: notes.filter((note) => note === null).length,
  };
}
