import type { ModelConfig } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";

/**
 * A JSON array of arrays of token ids as the text tower takes it: [N, T], rows that are shorter padded.
 *
 * A row shorter than T must be a whole text: its end-of-text token, the largest id, comes last. A row that was cut off
 * would give a feature that stands for nothing.
 *
 * @param source names the text in messages
 * @throws UserError "token_ids_invalid"
 */
export function parseTokenIds(text: string, config: ModelConfig, source: string): Int32Array {
  const { context_length: length, vocab_size: words, pad_id: pad } = config.text_cfg;
  const invalid = (problem: string, cause?: unknown) =>
    new UserError("token_ids_invalid", `${source}: ${problem}`, {
      hint: `Give a JSON array of arrays of ids, each with start and end token and at most ${length} long; \`pairloom tokenize\` makes ids.`,
      cause,
    });
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch (cause) {
    throw invalid("expected JSON, got something else or a part of it", cause);
  }
  if (!Array.isArray(rows)) throw invalid(`expected an array of arrays, got ${kindOf(rows)}`);
  rows.forEach((row: unknown, number) => {
    if (!Array.isArray(row))
      throw invalid(`expected row ${number} to be an array of ids, got ${kindOf(row)}`);
    if (row.length === 0) throw invalid(`row ${number} is empty`);
    if (row.length > length)
      throw invalid(`row ${number} has ${row.length} ids, the model reads at most ${length}`);
    row.forEach((id: unknown, at) => {
      if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= words)
        throw invalid(
          `expected id ${at} of row ${number} to be a whole number from 0 to ${words - 1}, got ${JSON.stringify(id)}`,
        );
    });
    if (row.length < length && !isWhole(row as number[], config))
      throw invalid(
        `row ${number} has ${row.length} ids and doesn't end with an end-of-text token: cut off, or ragged`,
      );
  });
  const ids = new Int32Array((rows as number[][]).length * length).fill(pad);
  (rows as number[][]).forEach((row, number) => ids.set(row, number * length));
  return ids;
}

/** Whether the last id that is no padding is the one that the text tower looks at. */
function isWhole(row: readonly number[], { text_cfg: text }: ModelConfig): boolean {
  let last = row.length - 1;
  while (last > 0 && row[last] === text.pad_id) last--;
  if (text.pool_type === "argmax") return row[last] === Math.max(...row);
  return text.pool_type !== "eos" || row.includes(text.eos_id);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value;
}
