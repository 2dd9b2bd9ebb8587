/**
 * TensorFlow.js back ends for training. `loadEngine` makes one current; `engine.ops` holds what a training loop needs
 * besides TensorFlow.js; `installEngine` brings the tensorflow engine.
 *
 * The wasm engine also registers kernels under names of its own, which packages/clip runs where they are there:
 * PairloomLayerNorm, PairloomLayerNormGradient, PairloomColumnMoments, PairloomBatchNorm, PairloomBatchNormGradient, and
 * PairloomGelu, PairloomQuickGelu, PairloomTanhGelu, each with …Gradient. Their inputs and outputs are described in
 * src/wasm/kernels. The webgpu engine registers the same (src/webgpu/kernels).
 */
export * from "./engine.js";
export * from "./loadEngine.js";
export * from "./listEngines.js";
export * from "./ops/trainingOps.js";
export * from "./ops/portableOps.js";
export * from "./ops/eagerPrograms.js";
export * from "./programs.js";
export * from "./tensorflow/installEngine.js";
