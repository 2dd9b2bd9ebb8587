export * from "./extractCandidates.js";
export * from "./decodeHtml.js";
export * from "./srcset.js";
export * from "./jsonLdImages.js";
