import { UserError } from "@pairloom/config/errors";
import { endOfText, vocabularySize } from "@pairloom/tokenizer";
import type { ModelConfig, TextConfig } from "./modelConfig.js";

/** Names under which transformers has CLIP's own tokenizer: OpenAI's models. */
const ownTokenizer = /^openai\/clip-/;

/** Settings of open_clip's SimpleTokenizer, each with the values by which it does what ours does. */
const usualSettings: Readonly<Record<string, readonly unknown[]>> = {
  clean: ["lower"],
  reduction_mask: [""],
  additional_special_tokens: [],
};

/**
 * Whether a model can take the texts of CLIP's tokenizer. open_clip's configs of models for other tokenizers
 * (`hf_tokenizer_name`) are models all the same, whose towers take token ids.
 *
 * @throws UserError "tokenizer_misfit" naming the field
 */
export function checkTokenizerFit(config: Pick<ModelConfig, "text_cfg">): void {
  const misfit = tokenizerMisfit(config);
  if (misfit === null) return;
  throw new UserError(
    "tokenizer_misfit",
    `The model can't read CLIP's tokens: \`text_cfg.${misfit.field}\`: ${misfit.problem}`,
    {
      hint:
        `Texts are tokenized as CLIP's, with ${vocabularySize} ids. Give this model the ids of its own tokenizer ` +
        "(`pairloom embed --token-ids`), or take a model of CLIP's.",
    },
  );
}

/** Why a model can't take the texts of CLIP's tokenizer; null where it can. */
export function tokenizerMisfit({
  text_cfg: text,
}: Pick<ModelConfig, "text_cfg">): { field: string; problem: string } | null {
  if (hasForeignTokenizer(text)) {
    const problem = `it was made for the tokenizer ${JSON.stringify(text.hf_tokenizer_name)}, which is not CLIP's`;
    return { field: "hf_tokenizer_name", problem };
  }
  for (const [name, value] of Object.entries(text.tokenizer_kwargs ?? {})) {
    const usual = name === "context_length" ? [text.context_length] : usualSettings[name];
    if (isIdle(value) || usual?.includes(value) === true) continue;
    const problem = `${JSON.stringify(value)} asks for another tokenization than CLIP's`;
    return { field: `tokenizer_kwargs.${name}`, problem };
  }
  if (text.vocab_size < vocabularySize) {
    const problem = `ids go up to ${vocabularySize - 1}, its table has ${text.vocab_size} rows`;
    return { field: "vocab_size", problem };
  }
  const seeksEnd = text.pool_type === "eos" && text.embed_cls !== true;
  if (seeksEnd && text.eos_id !== endOfText) {
    return {
      field: "eos_id",
      problem: `it looks for ${text.eos_id} as a text's end, which is ${endOfText}`,
    };
  }
  // a larger table is another tokenizer's, unless the model says that it looks for CLIP's end
  if (text.vocab_size > vocabularySize && !seeksEnd) {
    const problem = `CLIP's tokenizer has ${vocabularySize} ids, its table ${text.vocab_size} rows: it was made for another`;
    return { field: "vocab_size", problem };
  }
  return null;
}

/** Whether a model names a tokenizer that is another than CLIP's. */
export function hasForeignTokenizer({
  hf_tokenizer_name: name,
}: Pick<TextConfig, "hf_tokenizer_name">): boolean {
  return typeof name === "string" && name !== "" && !ownTokenizer.test(name);
}

const isIdle = (value: unknown): boolean =>
  value === null || value === "" || value === false || (Array.isArray(value) && value.length === 0);
