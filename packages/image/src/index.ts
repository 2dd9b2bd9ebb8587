export * from "./hashImages.js";
export * from "./pdqHash.js";
export * from "./processImage.js";
export * from "./resizePlan.js";
export * from "./setupSharp.js";
export * from "./sniffFormat.js";
export * from "./pictureFormats.js";
export * from "./pictureProblem.js";
