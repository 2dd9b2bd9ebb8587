/**
 * The second door of this package: pictures before they reach a tower, and random numbers. It loads no TensorFlow.js, so
 * threads that make batches ready stay small.
 */
export * from "./randomNumbers.js";
export * from "./images/rawImage.js";
export * from "./images/cmykToRgb.js";
export * from "./images/resizeImage.js";
export * from "./images/preprocess.js";
export * from "./images/trainingCrop.js";
export * from "./images/decodeImage.js";
