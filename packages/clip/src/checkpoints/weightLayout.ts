/** How a checkpoint names its tensors: OpenAI's and open_clip's way, or that of transformers' CLIPModel. */
export type WeightLayout = "open_clip" | "hugging_face";

/** Marks by which a layout is known, the first that fits; those that can't be read say what they are. */
const marks: readonly (readonly [mark: RegExp, meaning: string])[] = [
  [/^vision_model\.head\./, "a SigLIP model of transformers"],
  [/^visual\.trunk\./, "an open_clip model with an image tower of timm"],
  [/^text\.transformer\.(encoder|embeddings)\./, "an open_clip model with a text tower of transformers"],
  [/^text_decoder\./, "a CoCa model of open_clip"],
  [/^(text_model|vision_model)\.embeddings\./, "hugging_face"],
  [/^text\.transformer\.resblocks\./, "open_clip"],
  [/^visual\.(transformer\.resblocks|layer1)\./, "open_clip"],
  [/^(blocks|layers)\.\d+\.attn\.qkv\./, "a vision transformer of timm"],
  [/^(vit|dinov2|encoder\.layer)\./, "an image model of transformers"],
  [/^(layer1\.0\.conv1|fc)\.weight$/, "a ResNet of torchvision"],
  [/^(bert|roberta|gpt_neox|model\.layers|h\.\d+)\./, "a language model"],
  [/(^|\.)lora_(A|B)\./, "a LoRA adapter"],
  [/\.(exp_avg|exp_avg_sq)$/, "an optimizer's moments"],
];

/** What a checkpoint is by its tensors' names: a layout that is read, or what it looks like; null where nothing is known. */
export function recogniseLayout(
  names: Iterable<string>,
): { layout: WeightLayout } | { looksLike: string } | null {
  const all = [...names];
  for (const [mark, meaning] of marks) {
    if (!all.some((name) => mark.test(name))) continue;
    return meaning === "open_clip" || meaning === "hugging_face"
      ? { layout: meaning }
      : { looksLike: meaning };
  }
  return null;
}

/** "It looks like …", with some of its names; for errors. */
export function lookOf(names: Iterable<string>): string {
  const all = [...names];
  const found = recogniseLayout(all);
  const some = all.slice(0, 3).map((name) => `\`${name.slice(0, 80)}\``);
  const sample = `its tensors are ${some.join(", ")}${all.length > some.length ? " …" : ""}`;
  return found !== null && "looksLike" in found
    ? `it looks like ${found.looksLike} (${sample})`
    : `${sample}`;
}
