import { UserError } from "@pairloom/config/errors";
import { isObject } from "@pairloom/config/isObject";
import { checkAgreement } from "./config/checkAgreement.js";
import { type Fail, withoutForeignTowers } from "./config/foreignTowers.js";
import { imageSize, modelConfigSchema, type ModelConfig } from "./modelConfig.js";

/** Says which field of a model config is wrong and why. */
export class ModelConfigError extends UserError {
  constructor(field: string, problem: string, name: string, cause?: unknown) {
    super("model_config_invalid", `Model config ${name}: \`${field}\`: ${problem}`, {
      hint: "A model is a JSON file in open_clip's schema: embed_dim, vision_cfg, text_cfg, quick_gelu.",
      cause,
    });
    this.name = "ModelConfigError";
  }
}

/**
 * Checks a model config and fills in open_clip's defaults.
 *
 * @param name for messages only
 * @throws ModelConfigError naming the field
 */
export function parseModelConfig(value: unknown, name = "given"): ModelConfig {
  const fail = (field: string, problem: string, cause?: unknown): never => {
    throw new ModelConfigError(field, problem, name, cause);
  };
  const own = withoutForeignTowers(value, fail);
  const parsed = modelConfigSchema.safeParse(own);
  if (!parsed.success) {
    const { issues } = parsed.error;
    // a name that is wrong explains another that is missing
    const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
    const path = issue.path.join(".");
    if (issue.code === "unrecognized_keys") {
      const field = [path, issue.keys.join(", ")].filter((part) => part !== "").join(".");
      return fail(field, "not a field of open_clip's that this program knows", parsed.error);
    }
    return fail(
      path === "" ? "(whole file)" : path,
      `${issue.message}, got ${at(own, issue.path)}`,
      parsed.error,
    );
  }
  checkAgreement(parsed.data, fail);
  checkInput(value, parsed.data, fail);
  return parsed.data;
}

/** What a `preprocess_cfg` may say beside what is kept of it: the model's own size, and RGB. */
function checkInput(value: unknown, config: ModelConfig, fail: Fail): void {
  const said = isObject(value) ? value["preprocess_cfg"] : undefined;
  if (!isObject(said)) return;
  const { size, mode } = said;
  const [height, width] = imageSize(config.vision_cfg);
  const sides = typeof size === "number" ? [size, size] : size;
  if (given(size) && JSON.stringify(sides) !== JSON.stringify([height, width])) {
    fail(
      "preprocess_cfg.size",
      `${JSON.stringify(size)} contradicts vision_cfg.image_size ${height}×${width}`,
    );
  }
  if (given(mode) && mode !== "RGB") {
    fail("preprocess_cfg.mode", `images are made in RGB here, got ${JSON.stringify(mode)}`);
  }
}

const given = (value: unknown): boolean => value !== undefined && value !== null;

/** The value at a path, short, for a message. */
function at(value: unknown, path: readonly PropertyKey[]): string {
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "nothing");
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
