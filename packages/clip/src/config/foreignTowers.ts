import { isObject } from "@pairloom/config/isObject";
/** Fails with a field and what is wrong about it. */
export type Fail = (field: string, problem: string, cause?: unknown) => never;

interface Refusal {
  readonly part: "vision_cfg" | "text_cfg" | "";
  readonly field: string;
  readonly isSet: (value: unknown) => boolean;
  readonly why: string;
}

const given = (value: unknown): boolean => value !== null && value !== undefined && value !== false;

/** What open_clip's configs can ask for that is not computed here, and why. */
const refusals: readonly Refusal[] = [
  {
    ...{ part: "", field: "multimodal_cfg", isSet: given },
    why: "a caption decoder (CoCa); models here are two towers",
  },
  {
    ...{ part: "vision_cfg", field: "timm_model_name", isSet: given },
    why: "a tower of timm's; image towers here are ModifiedResNet and VisionTransformer",
  },
  {
    ...{ part: "text_cfg", field: "hf_model_name", isSet: given },
    why: "a tower of transformers'; the text tower here is CLIP's own",
  },
  {
    ...{ part: "vision_cfg", field: "attentional_pool", isSet: (value) => typeof value === "string" },
    why: "pools in parallel or cascade serve a caption decoder (CoCa); true or false is known here",
  },
  ...(["vision_cfg", "text_cfg"] as const).flatMap((part): Refusal[] => [
    {
      ...{ part, field: "output_tokens", isSet: given },
      why: "tokens beside the features serve a caption decoder (CoCa)",
    },
    {
      ...{ part, field: "scaled_cosine_attn", isSet: given },
      why: "open_clip 3.3.0 can't run it itself (it multiplies 4-D tensors by bmm), so nothing says what is right",
    },
    {
      ...{ part, field: "pool_type", isSet: (value) => value === "none" },
      why: "without a pool there is no one vector for a sample",
    },
  ]),
];

/**
 * Fields that mean something beside `timm_model_name` or `hf_model_name` alone; a dump of open_clip's defaults has them. And a
 * logit scale of shape [1], which is read as the scalar that it is.
 */
const idle =
  /^(timm_.*|hf_model_.*|hf_proj_type|hf_pooler_type|scaled_cosine_attn|nonscalar_logit_scale|multimodal_cfg)$/;

/**
 * A model config without the fields that only towers from elsewhere have.
 *
 * @param fail called where the config asks for such a tower
 */
export function withoutForeignTowers(value: unknown, fail: Fail): unknown {
  if (!isObject(value)) return value;
  for (const { part, field, isSet, why } of refusals) {
    const owner = part === "" ? value : value[part];
    if (isObject(owner) && isSet(owner[field])) fail(part === "" ? field : `${part}.${field}`, why);
  }
  return Object.fromEntries(
    withoutIdle(value).map(([key, inner]) => [
      key,
      (key === "vision_cfg" || key === "text_cfg") && isObject(inner)
        ? Object.fromEntries(withoutIdle(inner))
        : inner,
    ]),
  );
}

function withoutIdle(value: Record<string, unknown>): [string, unknown][] {
  return Object.entries(value).filter(([key]) => !idle.test(key));
}
