import { loadModelConfig } from "../loadModelConfig.js";
import type { ModelConfig } from "../modelConfig.js";
import { parseModelConfig } from "../parseModelConfig.js";
import { configBeside } from "./checkpointFolder.js";
import { inferModelConfig } from "./inferModelConfig.js";
import { readCheckpoint, type Checkpoint } from "./readCheckpoint.js";
import { checkStateDict } from "./checkStateDict.js";
import type { StateDict } from "./stateDict.js";

/** The key under which our own files hold their model's config, as JSON. */
export const configMetadataKey = "model_cfg";

/** Where a model's config came from: it was named, lay in or beside the file, or was told from the shapes. */
export type ConfigSource = "named" | "file" | "beside" | "shapes";

export interface ReadModel {
  readonly config: ModelConfig;
  readonly state: StateDict;
  readonly configSource: ConfigSource;
  /** The file that the config was read from; null where there was none. */
  readonly configFile: string | null;
  readonly format: Checkpoint["format"];
  readonly layout: Checkpoint["layout"];
  /** What nothing in the file says and was taken for granted, in words. */
  readonly assumed: readonly string[];
}

export interface ReadModelOptions {
  /** Its config, by name or path, where the caller knows it. */
  readonly model?: string;
  /** The nonlinearity, where neither a config nor the file says. */
  readonly quickGelu?: boolean;
  /** Takes weights that are NaN or infinite. */
  readonly allowNotFinite?: boolean;
}

/**
 * A model of whatever program wrote it: its weights and its config.
 *
 * @param path a file of weights, or a model's folder
 * @throws CheckpointError, ModelConfigError
 */
export async function readModel(path: string, options: ReadModelOptions = {}): Promise<ReadModel> {
  const checkpoint = await readCheckpoint(path);
  const { format, layout } = checkpoint;
  const configured = await configOf(path, checkpoint, options);
  const state = checkStateDict(checkpoint.tensors, configured.config, options);
  return { ...configured, state, format, layout };
}

type Configured = Pick<ReadModel, "config" | "configSource" | "configFile" | "assumed">;

async function configOf(
  path: string,
  checkpoint: Checkpoint,
  options: ReadModelOptions,
): Promise<Configured> {
  const sure = (config: ModelConfig, configSource: ConfigSource, configFile: string | null): Configured => ({
    config: options.quickGelu === undefined ? config : { ...config, quick_gelu: options.quickGelu },
    configSource,
    configFile,
    assumed: [],
  });
  if (options.model !== undefined) return sure(await loadModelConfig(options.model), "named", null);
  const written = checkpoint.metadata.get(configMetadataKey);
  if (written !== undefined) return sure(parseModelConfig(parsed(written), `in ${path}`), "file", null);
  const beside = await configBeside(checkpoint.file);
  if (beside !== null) return sure(await loadModelConfig(beside), "beside", beside);
  const { quickGelu, assumed } = nonlinearity(checkpoint, options);
  return {
    config: inferModelConfig(checkpoint.tensors, quickGelu),
    configSource: "shapes",
    configFile: null,
    assumed: [...(checkpoint.format === "torchscript" ? [] : ["heads 64 wide"]), ...assumed],
  };
}

/** A program's classes tell; OpenAI's programs have QuickGELU; of others only the caller can know. */
function nonlinearity(
  { format, classes }: Checkpoint,
  { quickGelu }: ReadModelOptions,
): { quickGelu: boolean; assumed: string[] } {
  if (quickGelu !== undefined) return { quickGelu, assumed: [] };
  if (classes.has("QuickGELU")) return { quickGelu: true, assumed: [] };
  if (classes.has("GELU")) return { quickGelu: false, assumed: [] };
  if (format === "torchscript") return { quickGelu: true, assumed: ["QuickGELU, as in OpenAI's models"] };
  return { quickGelu: false, assumed: ["GELU, open_clip's default, not OpenAI's QuickGELU"] };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 80);
  }
}
