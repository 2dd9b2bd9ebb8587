export * from "./clipTokenizer.js";
export { cleanText } from "./cleanText.js";
export { readVocabulary, type Vocabulary } from "./vocabulary.js";
export { fixText } from "./ftfy/fixText.js";
export { unescapeHtml } from "./htmlEntities.js";
