import { UserError } from "@pairloom/config/errors";
import { BytePairs, endOfText, startOfText, vocabularySize } from "./bytePairs.js";
import { cleanText } from "./cleanText.js";

/** Context length of OpenAI's models. */
export const defaultContextLength = 77;

export interface TokenizeOptions {
  /** Too long a text: true cuts it and puts the end at the last place (open_clip's), false is an error (OpenAI's). */
  readonly truncate?: boolean;
}

export interface Tokenizer {
  readonly vocabularySize: number;
  readonly startOfText: number;
  readonly endOfText: number;
  /** Ids of a text, cleaned first, without start and end. */
  encode(text: string): number[];
  /** The text of ids: words with a space behind each; start and end by name; broken UTF-8 as U+FFFD. */
  decode(ids: Iterable<number>): string;
  /**
   * A table for the text tower: row after row of `contextLength` ids: start, text, end, zeros.
   *
   * @throws UserError `text_too_long` where `truncate` is false
   */
  tokenize(texts: readonly string[], contextLength?: number, options?: TokenizeOptions): Int32Array;
}

/** Words remembered with their ids. */
const cacheLimit = 1 << 17;

/** CLIP's words. The names of start and end count in the text itself; capitals have been lowered, "ſ" folds to "s". */
const words = new RegExp(
  "<[sſ]tart_of_text>|<end_of_text>|'[sſ]|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^ \\p{L}\\p{N}]+",
  "gu",
);

/** CLIP's tokenizer: equal ids to OpenAI's and open_clip's. Reads its vocabulary from the package when called. */
export function createTokenizer(): Tokenizer {
  const pairs = new BytePairs();
  const cache = new Map<string, readonly number[]>();
  cache.set("<start_of_text>", [startOfText]);
  cache.set("<end_of_text>", [endOfText]);

  const idsOf = (word: string): readonly number[] => {
    const known = cache.get(word);
    if (known !== undefined) return known;
    const ids = pairs.encodeWord(word);
    if (word.length <= 64 && cache.size < cacheLimit) cache.set(word, ids);
    return ids;
  };

  const encode = (text: string): number[] => {
    const ids: number[] = [];
    for (const word of cleanText(text).match(words) ?? []) for (const id of idsOf(word)) ids.push(id);
    return ids;
  };

  const decode = (ids: Iterable<number>): string => {
    const parts: Uint8Array[] = [];
    for (const id of ids) {
      if (id === startOfText) parts.push(Buffer.from("<start_of_text>"));
      else if (id === endOfText) parts.push(Buffer.from("<end_of_text>"));
      else if (Number.isInteger(id) && id >= 0 && id < vocabularySize) parts.push(pairs.bytes(id));
      else throw new RangeError(`Expected token ids from 0 to ${vocabularySize - 1}, got ${id}`);
    }
    return Buffer.concat(parts).toString("utf8");
  };

  const tokenize = (
    texts: readonly string[],
    contextLength = defaultContextLength,
    { truncate = true }: TokenizeOptions = {},
  ): Int32Array => {
    if (!Number.isInteger(contextLength) || contextLength < 2) {
      throw new RangeError(`Expected \`contextLength\` to be an integer from 2, got ${contextLength}`);
    }
    const table = new Int32Array(texts.length * contextLength);
    texts.forEach((text, row) => {
      const ids = encode(text);
      if (ids.length + 2 > contextLength) {
        if (!truncate) {
          throw new UserError(
            "text_too_long",
            `A text takes ${ids.length + 2} tokens, the context length is ${contextLength}: "${text.slice(0, 60)}…"`,
            { hint: "Shorten it, or let long texts be cut (--truncate)." },
          );
        }
        ids.length = contextLength - 2;
      }
      const start = row * contextLength;
      table[start] = startOfText;
      table.set(ids, start + 1);
      table[start + 1 + ids.length] = endOfText;
    });
    return table;
  };

  return { vocabularySize, startOfText, endOfText, encode, decode, tokenize };
}
