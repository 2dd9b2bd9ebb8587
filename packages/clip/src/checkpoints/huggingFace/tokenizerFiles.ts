import { readVocabulary } from "@pairloom/tokenizer";

const start = "<|startoftext|>";
const end = "<|endoftext|>";

/** CLIP's words, those of packages/tokenizer, in the syntax of Hugging Face's tokenizers. */
const words = String.raw`<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`;

/**
 * CLIP's tokenizer in the files that transformers' CLIPTokenizer and the library tokenizers load, by name. Theirs knows
 * no repair of broken text (ftfy) and no HTML entities; for texts that have no need of them the ids are ours, but for the
 * padding, which is the end of text.
 */
export function tokenizerFiles(contextLength: number): Map<string, string> {
  const { tokens, merges } = readVocabulary({ start, end });
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const pairs = merges.map((pair) => pair.join(" "));
  const names = { bos_token: start, eos_token: end, unk_token: end, pad_token: end };
  const special = [start, end].map((content) => ({ id: vocabulary[content]!, content }));
  const literal = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((token) => ({ ...token, ...literal })),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "NFC" },
        { type: "Replace", pattern: { Regex: String.raw`\s+` }, content: " " },
        { type: "Lowercase" },
      ],
    },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: words }, behavior: "Removed", invert: true },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: "RobertaProcessing",
      sep: [end, vocabulary[end]],
      cls: [start, vocabulary[start]],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: end,
      continuing_subword_prefix: "",
      end_of_word_suffix: "</w>",
      fuse_unk: false,
      vocab: vocabulary,
      merges: pairs,
    },
  };
  return new Map([
    ["vocab.json", JSON.stringify(vocabulary)],
    ["merges.txt", `#version: 0.2\n${pairs.join("\n")}\n`],
    ["tokenizer.json", JSON.stringify(tokenizer)],
    ["special_tokens_map.json", JSON.stringify(names, null, 2)],
    [
      "tokenizer_config.json",
      JSON.stringify(
        { tokenizer_class: "CLIPTokenizer", ...names, model_max_length: contextLength, do_lower_case: true },
        null,
        2,
      ),
    ],
  ]);
}
