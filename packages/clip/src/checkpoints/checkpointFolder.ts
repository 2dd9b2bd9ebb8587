import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { CheckpointError } from "./checkpointError.js";
import { openClipConfigName, openClipWeightsName } from "./openClipFolder.js";

/** Files of weights by the names that open_clip and transformers give them, the first that is there. */
const weightNames = [
  openClipWeightsName,
  "open_clip_pytorch_model.safetensors",
  "model.safetensors",
  "model.safetensors.index.json",
  "open_clip_pytorch_model.bin",
  "pytorch_model.bin",
  "pytorch_model.bin.index.json",
];
const weightEndings = [".safetensors", ".pt", ".pth", ".bin"];

/** Configs by their names, the first that is there. */
const configNames = [openClipConfigName, "config.json"];

/**
 * The file of weights in a model's folder: one of the names that open_clip and transformers give it, or the only file of
 * weights that there is. Null where there is none.
 *
 * @throws CheckpointError "checkpoint_model_unknown" where several could be meant
 */
export async function weightsIn(folder: string): Promise<string | null> {
  const entries = await readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const usual = weightNames.find((name) => files.includes(name));
  if (usual !== undefined) return join(folder, usual);
  const others = files.filter((name) => weightEndings.some((ending) => name.endsWith(ending))).sort();
  if (others.length > 1) {
    throw new CheckpointError(
      "checkpoint_model_unknown",
      `${folder} holds several files of weights: ${others.slice(0, 5).join(", ")}`,
      { hint: "Name the one that is meant." },
    );
  }
  return others[0] === undefined ? null : join(folder, others[0]);
}

/**
 * The configs that may describe a file of weights, the likeliest first: of its own name (`model.config.json` beside
 * `model.safetensors`), open_clip's, transformers', and the one above a run's folder of checkpoints.
 */
export async function configsBeside(weights: string): Promise<string[]> {
  const folder = dirname(weights);
  const own = basename(weights).replace(/\.(safetensors|pt|pth|bin)$/, "");
  const paths = [`${own}.config.json`, ...configNames].map((name) => join(folder, name));
  if (basename(folder) === "checkpoints") paths.push(join(folder, "..", "config.json"));
  const found = await Promise.all(paths.map(async (path) => (await stat(path).catch(() => null))?.isFile()));
  return paths.filter((_, at) => found[at] === true);
}

/** Far more than an index of a hundred thousand tensors takes. */
const maxIndexBytes = 32 * 2 ** 20;
const indexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/**
 * Which tensors lie in which file of a model in parts (`model.safetensors.index.json`): names by the file's path.
 *
 * @throws CheckpointError
 */
export async function readShardIndex(path: string): Promise<Map<string, Set<string>>> {
  const invalid = (problem: string, cause?: unknown) =>
    new CheckpointError("checkpoint_header_invalid", `${path} is no index of shards: ${problem}`, { cause });
  if ((await stat(path)).size > maxIndexBytes) throw invalid(`it has more than ${maxIndexBytes} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw invalid("not JSON", error);
  }
  const index = indexSchema.safeParse(value);
  if (!index.success) throw invalid("it has no weight_map from names to files", index.error);
  const shards = new Map<string, Set<string>>();
  for (const [name, file] of Object.entries(index.data.weight_map)) {
    if (basename(file) !== file || file === "" || file === "..")
      throw invalid(`\`${name}\` lies in ${JSON.stringify(file)}`);
    const shard = join(dirname(path), file);
    shards.set(shard, (shards.get(shard) ?? new Set()).add(name));
  }
  for (const shard of shards.keys()) {
    const handle = await open(shard, "r").catch(() => null);
    if (handle === null) {
      throw new CheckpointError("checkpoint_truncated", `The model's part ${basename(shard)} is missing`, {
        hint: `${path} names it.`,
      });
    }
    await handle.close();
  }
  return shards;
}
