import { UserError } from "@pairloom/config/errors";
import { endOfText, vocabularySize } from "@pairloom/tokenizer";
import type { ModelConfig } from "./modelConfig.js";

/**
 * Whether a model can take the texts of CLIP's tokenizer. open_clip's configs of models for other tokenizers
 * (`hf_tokenizer_name`) are models all the same, but their tables may be too small, or they look for another end.
 *
 * @throws UserError "tokenizer_misfit" naming the field
 */
export function checkTokenizerFit({ text_cfg: text }: Pick<ModelConfig, "text_cfg">): void {
  const fail = (field: string, problem: string): never => {
    throw new UserError(
      "tokenizer_misfit",
      `The model can't read CLIP's tokens: \`text_cfg.${field}\`: ${problem}`,
      {
        hint: `Texts are tokenized as CLIP's: take a model with vocab_size ${vocabularySize} and pool_type "argmax".`,
      },
    );
  };
  if (text.vocab_size < vocabularySize) {
    fail("vocab_size", `ids go up to ${vocabularySize - 1}, its table has ${text.vocab_size} rows`);
  }
  if (text.pool_type === "eos" && text.embed_cls !== true && text.eos_id !== endOfText) {
    fail("eos_id", `it looks for ${text.eos_id} as a text's end, which is ${endOfText}`);
  }
}
