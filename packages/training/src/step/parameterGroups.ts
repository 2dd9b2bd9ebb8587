import type { ModelConfig, StateShapes } from "@pairloom/clip";
import { stateShapes } from "@pairloom/clip";
import type { TrainSettings } from "../settings/trainSettings.js";

/** How one parameter is trained. */
export interface ParameterGroup {
  /** False: it belongs to a locked tower, or is fixed by the model. */
  trained: boolean;
  /** Multiplies the learning rate. */
  rateScale: number;
  weightDecay: number;
}

type GroupSettings = Pick<TrainSettings, "weightDecay" | "textRate" | "layerDecay" | "lock">;

/**
 * How each parameter of a model is trained: decay on parameters of two axes or more alone (not on gains, biases and the
 * logit scale); the text tower's own rate; rates that shrink layer by layer towards the input (`layerDecay`, as in BEiT
 * and open_clip's fine-tuning); towers that are locked (LiT, Zhai et al. 2022).
 */
export function parameterGroups(config: ModelConfig, settings: GroupSettings): Map<string, ParameterGroup> {
  const shapes: StateShapes = stateShapes(config);
  const groups = new Map<string, ParameterGroup>();
  for (const [key, { kind, fixed, shape }] of shapes) {
    if (kind !== "parameter") continue;
    const tower = towerOf(key);
    groups.set(key, {
      trained: fixed !== true && tower !== settings.lock,
      rateScale:
        (tower === "text" ? settings.textRate : 1) * settings.layerDecay ** depthBelowTop(key, config),
      weightDecay: shape.length < 2 ? 0 : settings.weightDecay,
    });
  }
  return groups;
}

/** Which tower a parameter belongs to; null for the logit scale and bias. */
export function towerOf(key: string): "image" | "text" | null {
  if (key.startsWith("visual.")) return "image";
  return key === "logit_scale" || key === "logit_bias" ? null : "text";
}

/** Layers between a parameter and its tower's top: 0 for the projection and the last norm, L + 1 for the embeddings. */
function depthBelowTop(key: string, { vision_cfg: vision, text_cfg: text }: ModelConfig): number {
  const tower = towerOf(key);
  if (tower === null) return 0;
  if (tower === "image" && typeof vision.layers !== "number") {
    // a ResNet's four stages are its layers; the stem lies below them
    const stage = /^visual\.layer(\d)\./.exec(key)?.[1];
    if (stage !== undefined) return 5 - Number(stage);
    return key.startsWith("visual.attnpool.") ? 0 : 5;
  }
  const layers = tower === "image" ? (vision.layers as number) : text.layers;
  const block = /resblocks\.(\d+)\./.exec(key)?.[1];
  if (block !== undefined) return layers - Number(block);
  return /(^|\.)(proj|text_projection|ln_post|ln_final)(\.|$)/.test(key) ? 0 : layers + 1;
}
