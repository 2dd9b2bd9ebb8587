import { RandomNumbers } from "@pairloom/clip/images";
import type { Tokenizer } from "@pairloom/tokenizer";
import { decodePicture } from "./decodedPicture.js";
import type { Normalization } from "./cropPicture.js";
import { type CropSettings, decodedSide, drawCrop } from "./drawCrop.js";
import type { Sample } from "./sample.js";

/** What turns a pair into a row of a batch, beside the random numbers. */
export interface RowSettings extends CropSettings, Normalization {
  seed: number;
  captions: "first" | "any";
  /** Height and width of the model's pictures. */
  side: number;
  /** T of the text tower. */
  contextLength: number;
}

/** Where rows of a batch are written: [rows, S, S, 3] normalised, and [rows, T] ids. */
export interface RowArrays {
  images: Float32Array;
  tokens: Int32Array;
}

/** What is told of a row. */
export interface RowNote {
  key: string;
  text: string;
  /** The text has more tokens than the context holds. */
  truncated: boolean;
}

/** Pictures that a thread has decoded at once: one while another's pixels are cut. */
const decodesAtOnce = 2;

/**
 * Decodes, crops, normalises and tokenises rows of a step's batch. A row depends on its sample, its number and the step
 * alone, whoever makes it.
 *
 * @param step steps done before
 * @param first number in the batch of the first of these rows
 * @returns a note for each row; null where its picture can't be decoded: the row is left as it was
 */
export async function makeRows(
  samples: readonly Sample[],
  step: number,
  first: number,
  settings: RowSettings,
  tokenizer: Tokenizer,
  { images, tokens }: RowArrays,
): Promise<(RowNote | null)[]> {
  const { side, contextLength, seed, captions } = settings;
  const decoded = decodedSide(settings, side);
  const notes: (RowNote | null)[] = samples.map(() => null);
  const makeRow = async (row: number) => {
    const { key, texts, picture } = samples[row] as Sample;
    const pixels =
      picture instanceof Uint8Array
        ? await decodePicture(picture, decoded, settings.crop === "square").catch(() => null)
        : picture;
    if (pixels === null) return;
    const random = new RandomNumbers(seed, `row ${first + row} of step ${step}`);
    const text = texts[captions === "first" ? 0 : random.integer(0, texts.length)] as string;
    drawCrop(pixels, side, settings, random, images, row * side * side * 3);
    const ids = tokenizer.tokenize([text], contextLength);
    tokens.set(ids, row * contextLength);
    // a text that just fits fills its row as well
    const full = ids[contextLength - 1] === tokenizer.endOfText;
    const truncated = full && tokenizer.encode(text).length + 2 > contextLength;
    notes[row] = { key, text, truncated };
  };
  let next = 0;
  const lane = async () => {
    while (next < samples.length) await makeRow(next++);
  };
  await Promise.all(Array.from({ length: decodesAtOnce }, lane));
  return notes;
}
