/** Beginnings of names outside the blocks: open_clip's and transformers' (its `pre_layrnorm` is spelt so). */
const outside: readonly (readonly [openClip: string, huggingFace: string])[] = [
  ["logit_scale", "logit_scale"],
  ["token_embedding.weight", "text_model.embeddings.token_embedding.weight"],
  ["positional_embedding", "text_model.embeddings.position_embedding.weight"],
  ["ln_final.", "text_model.final_layer_norm."],
  ["text_projection", "text_projection.weight"],
  ["visual.class_embedding", "vision_model.embeddings.class_embedding"],
  ["visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"],
  ["visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"],
  ["visual.ln_pre.", "vision_model.pre_layrnorm."],
  ["visual.ln_post.", "vision_model.post_layernorm."],
  ["visual.proj", "visual_projection.weight"],
];

const towers: readonly (readonly [openClip: string, huggingFace: string])[] = [
  ["transformer.resblocks.", "text_model.encoder.layers."],
  ["visual.transformer.resblocks.", "vision_model.encoder.layers."],
];

const inBlock: readonly (readonly [openClip: string, huggingFace: string])[] = [
  ["ln_1.", "layer_norm1."],
  ["ln_2.", "layer_norm2."],
  ["attn.out_proj.", "self_attn.out_proj."],
  ["mlp.c_fc.", "mlp.fc1."],
  ["mlp.c_proj.", "mlp.fc2."],
];

/** Projections that transformers holds the other way round, as open_clip names them. */
export const turned: ReadonlySet<string> = new Set(["text_projection", "visual.proj"]);

/** transformers' name of open_clip's tensor; null where it has none. Queries, keys and values are another matter. */
export const huggingFaceName = (name: string): string | null => renamed(name, 0, 1);

/** open_clip's name of transformers' tensor; null where it has none. */
export const openClipName = (name: string): string | null => renamed(name, 1, 0);

/** `<block>in_proj_weight` or `…_bias` of open_clip as the block in transformers' names and what it is; null for others. */
export function jointProjection(name: string): { block: string; part: "weight" | "bias" } | null {
  const found = /^((?:visual\.)?transformer\.resblocks\.\d+)\.attn\.in_proj_(weight|bias)$/.exec(name);
  if (found === null) return null;
  const tower = towers.find(([openClip]) => found[1]!.startsWith(openClip))!;
  return { block: tower[1] + found[1]!.slice(tower[0].length), part: found[2] as "weight" | "bias" };
}

/** One of transformers' three projections: the name of the three together in open_clip, and its place; null for others. */
export function splitProjection(name: string): { joint: string; place: 0 | 1 | 2 } | null {
  const found = /^(.+\.layers\.)(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$/.exec(name);
  const tower = towers.find(([, huggingFace]) => huggingFace === found?.[1]);
  if (found === null || tower === undefined) return null;
  const place = "qkv".indexOf(found[3]!) as 0 | 1 | 2;
  return { joint: `${tower[0]}${found[2]}.attn.in_proj_${found[4]}`, place };
}

function renamed(name: string, from: 0 | 1, to: 0 | 1): string | null {
  const tower = towers.find((pair) => name.startsWith(pair[from]));
  if (tower === undefined) return exchanged(name, outside, from, to);
  const [, layer, rest] = /^(\d+)\.(.+)$/.exec(name.slice(tower[from].length)) ?? [];
  const inside = rest === undefined ? null : exchanged(rest, inBlock, from, to);
  return inside === null ? null : `${tower[to]}${layer}.${inside}`;
}

function exchanged(
  name: string,
  pairs: readonly (readonly [string, string])[],
  from: 0 | 1,
  to: 0 | 1,
): string | null {
  for (const pair of pairs) {
    const isWhole = !pair[from].endsWith(".");
    if (isWhole ? name === pair[from] : name.startsWith(pair[from]))
      return pair[to] + name.slice(pair[from].length);
  }
  return null;
}
