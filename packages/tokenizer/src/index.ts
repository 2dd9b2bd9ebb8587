export * from "./clipTokenizer.js";
export { endOfText, vocabularySize } from "./bytePairs.js";
export { cleanText } from "./cleanText.js";
export { readVocabulary, type Vocabulary } from "./vocabulary.js";
export { fixText } from "./ftfy/fixText.js";
export { unescapeHtml } from "./htmlEntities.js";
