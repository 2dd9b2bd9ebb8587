import { completedBy, configDifferences } from "../config/configDifferences.js";
import { loadModelConfig } from "../loadModelConfig.js";
import type { ModelConfig } from "../modelConfig.js";
import { checkStateDict } from "./checkStateDict.js";
import { CheckpointError } from "./checkpointError.js";
import { inferModelConfig } from "./inferModelConfig.js";
import { modelOrigin, type ModelOrigin } from "./modelOrigin.js";
import { type MendOptions, mendTensors } from "./mendTensors.js";
import { readCheckpoint, type Checkpoint, type CheckpointOptions } from "./readCheckpoint.js";
import type { StateDict } from "./stateDict.js";

/** Where a model's config came from: it was named, lay in or beside the file, or was told from the shapes. */
export type ConfigSource = "named" | ModelOrigin["source"] | "shapes";

export interface ReadModel {
  readonly config: ModelConfig;
  readonly state: StateDict;
  readonly configSource: ConfigSource;
  /** The file that the config was read from; null where there was none. */
  readonly configFile: string | null;
  /** The file of weights, or the index of its parts. */
  readonly file: string;
  readonly format: Checkpoint["format"];
  readonly layout: Checkpoint["layout"];
  /** What nothing in the file says and was taken for granted, in words. */
  readonly assumed: readonly string[];
  /** What was done to the weights or passed over, in words. */
  readonly notes: readonly string[];
  /** What may be wrong, in words. */
  readonly warnings: readonly string[];
}

export interface ReadModelOptions extends CheckpointOptions, MendOptions {
  /** Its config, by name or path, where the caller knows it. */
  readonly model?: string | undefined;
  /** The nonlinearity, where neither a config nor the file says. */
  readonly quickGelu?: boolean | undefined;
  /** Takes what the caller says of the model where the file says otherwise. */
  readonly force?: boolean | undefined;
  /** Takes weights that are NaN or infinite. */
  readonly allowNotFinite?: boolean | undefined;
}

/**
 * A model of whatever program wrote it: its weights, and its config with its preprocessing and tokenizer.
 *
 * @param path a file of weights, or a model's folder
 * @throws CheckpointError, "checkpoint_model_contradicted" where the file says otherwise than `options`; ModelConfigError
 */
export async function readModel(path: string, options: ReadModelOptions = {}): Promise<ReadModel> {
  const checkpoint = await readCheckpoint(path, options);
  const { format, layout, file } = checkpoint;
  const { notes: passedOver, ...configured } = await configOf(path, checkpoint, options);
  const { tensors, notes } = mendTensors(checkpoint.tensors, configured.config, options);
  const state = checkStateDict(tensors, configured.config, {
    allowNotFinite: options.allowNotFinite ?? false,
  });
  return {
    ...configured,
    notes: [...checkpoint.notes, ...passedOver, ...notes],
    state,
    file,
    format,
    layout,
  };
}

/** A model's config and where it comes from. */
export type Configured = Pick<
  ReadModel,
  "config" | "configSource" | "configFile" | "assumed" | "notes" | "warnings"
>;

async function configOf(
  path: string,
  checkpoint: Checkpoint,
  options: ReadModelOptions,
): Promise<Configured> {
  const said = await saidConfig(path, checkpoint, options);
  if ("config" in said) return said;
  const { quickGelu, assumed } = nonlinearity(checkpoint, options);
  return {
    config: inferModelConfig(checkpoint.tensors, quickGelu),
    configSource: "shapes",
    configFile: null,
    assumed: [...(checkpoint.format === "torchscript" ? [] : ["heads 64 wide"]), ...assumed],
    notes: said.notes,
    warnings: [],
  };
}

/**
 * The config of a file of weights, as the caller names it or as the file says it, in it or beside it; nothing but notes where
 * nobody says it.
 *
 * @throws CheckpointError "checkpoint_model_contradicted" where the file says otherwise than `options`; ModelConfigError
 */
export async function saidConfig(
  path: string,
  checkpoint: Checkpoint,
  options: ReadModelOptions,
): Promise<Configured | { readonly notes: readonly string[] }> {
  const { origin, notes } = await modelOrigin(path, checkpoint);
  const { model, quickGelu } = options;
  const configFile = origin?.file ?? null;
  const plain = { configFile, assumed: [], notes, warnings: [] };
  if (model !== undefined) {
    const named = withNonlinearity(await loadModelConfig(model), quickGelu);
    if (origin === null) {
      const warnings = ambiguousName(model, named, checkpoint, options);
      return { ...plain, config: named, configSource: "named", warnings };
    }
    const warnings = contradictions(`The model config ${model}`, named, path, origin, options);
    return {
      ...plain,
      config: completedBy(named, origin.config),
      configSource: "named",
      configFile: null,
      warnings,
    };
  }
  if (origin !== null) {
    const config = withNonlinearity(origin.config, quickGelu);
    const warnings = contradictions("The option for QuickGELU", config, path, origin, options);
    return { ...plain, config, configSource: origin.source, warnings };
  }
  return { notes };
}

const withNonlinearity = (config: ModelConfig, quickGelu: boolean | undefined): ModelConfig =>
  quickGelu === undefined ? config : { ...config, quick_gelu: quickGelu };

/** What the caller says of a model against what its file says: an error, or warnings where the caller insists. */
function contradictions(
  what: string,
  said: ModelConfig,
  path: string,
  { config, file }: ModelOrigin,
  { force, resizePositions, fillMissing }: ReadModelOptions,
): string[] {
  const differences = configDifferences(said, config).filter(
    ({ field }) =>
      !(resizePositions === true && resizable.has(field)) &&
      !(fillMissing === true && field === "init_logit_bias"),
  );
  if (differences.length === 0) return [];
  const whose = file === null ? `what ${path} says of itself` : `${file}, which lies beside the weights`;
  const lines = differences.map(
    ({ field, first, second }) =>
      `\`${field}\` is ${JSON.stringify(first)}, there it is ${JSON.stringify(second)}`,
  );
  if (force === true) return lines.map((line) => `${what} contradicts ${whose}: ${line}; went on with it`);
  throw new CheckpointError(
    "checkpoint_model_contradicted",
    `${what} contradicts ${whose}: ${lines.join("; ")}`,
    {
      hint: differences.every(({ field }) => resizable.has(field))
        ? "Without --model the file's own is taken; --resize-positions makes its positions fit another size."
        : "Without --model (or --quick-gelu) the file's own is taken; --force goes on as you say.",
    },
  );
}

/** What `resizePositions` changes about a model. */
const resizable: ReadonlySet<string> = new Set(["vision_cfg.image_size", "text_cfg.context_length"]);

/** The paper's models by their names, which open_clip's of the same shapes have too. */
const paperName = /^(RN(50|101)(x\d+)?|ViT-[BL][-/]\d+([-@]336(px)?)?)$/i;

/** A name of the paper's means QuickGELU here and GELU in open_clip: of weights that don't tell, nobody knows which is meant. */
function ambiguousName(
  model: string,
  { quick_gelu }: ModelConfig,
  { format, isOpenAi }: Checkpoint,
  { quickGelu }: ReadModelOptions,
): string[] {
  const isSure = quickGelu !== undefined || format === "torchscript" || isOpenAi || !quick_gelu;
  if (isSure || !paperName.test(model)) return [];
  return [
    `${model} has QuickGELU here, as OpenAI's model; open_clip's of that name has GELU, and the weights don't tell: ` +
      `--model ${model}-quickgelu says that QuickGELU is meant, a JSON config with quick_gelu false the other`,
  ];
}

/** A program's classes tell; OpenAI's models have QuickGELU; of others only the caller can know. */
function nonlinearity(
  { format, classes, isOpenAi }: Checkpoint,
  { quickGelu }: ReadModelOptions,
): { quickGelu: boolean; assumed: string[] } {
  if (quickGelu !== undefined) return { quickGelu, assumed: [] };
  if (classes.has("QuickGELU")) return { quickGelu: true, assumed: [] };
  if (classes.has("GELU")) return { quickGelu: false, assumed: [] };
  if (isOpenAi) return { quickGelu: true, assumed: [] };
  if (format === "torchscript") return { quickGelu: true, assumed: ["QuickGELU, as in OpenAI's models"] };
  return { quickGelu: false, assumed: ["GELU, open_clip's default, not OpenAI's QuickGELU"] };
}
