import { open, stat } from "node:fs/promises";
import { CheckpointError } from "./checkpointError.js";
import { chooseWeights } from "./chooseWeights.js";
import { readShardIndex, weightsIn } from "./checkpointFolder.js";
import { fromHuggingFaceTensors } from "./huggingFace/huggingFaceTensors.js";
import { readPyTorchCheckpoint } from "./pytorch/readPyTorch.js";
import { readSafetensorsFile, readSafetensorsHeader, type TensorFile } from "./safetensors.js";
import { recogniseLayout, type WeightLayout } from "./weightLayout.js";

export type CheckpointFormat = "safetensors" | "pytorch";

/** What was read of a checkpoint. */
export interface Checkpoint {
  /** The file of weights, or the index of its parts. */
  readonly file: string;
  /** In open_clip's names and layouts, where the layout is known. */
  readonly tensors: TensorFile;
  readonly layout: WeightLayout | null;
  readonly format: CheckpointFormat | "torchscript";
  /** What the file says of itself. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Names of the classes of a TorchScript program. */
  readonly classes: ReadonlySet<string>;
  /** Holds the numbers that OpenAI's archives have beside their weights: its models have QuickGELU. */
  readonly isOpenAi: boolean;
  /** What was done to tell the model's tensors from others, in words. */
  readonly notes: readonly string[];
}

export interface CheckpointOptions {
  /** Part of the beginning of the tensors' names, to choose among several models in one file: "ema". */
  readonly weights?: string | undefined;
}

/** OpenAI's archives keep these numbers beside the weights. */
const openAiNumbers = ["input_resolution", "context_length", "vocab_size"];

/** Masks and places are no weights either: PyTorch makes them anew. */
const isNoWeight = (name: string): boolean =>
  openAiNumbers.includes(name) || /(^|\.)(attn_mask|position_ids)$/.test(name);

/**
 * The weights in a file, whatever it is called, in open_clip's layout: safetensors, or what `torch.save` or
 * `torch.jit.save` writes, of open_clip, OpenAI or transformers; or those of a model's folder, in parts too.
 *
 * @throws CheckpointError where it is none of these, or broken
 */
export async function readCheckpointFile(path: string): Promise<TensorFile> {
  return (await readCheckpoint(path)).tensors;
}

/** The same, with what else it tells. @throws CheckpointError */
export async function readCheckpoint(path: string, options: CheckpointOptions = {}): Promise<Checkpoint> {
  const isFolder = (await stat(path)).isDirectory();
  const file = isFolder ? await weightsIn(path) : path;
  if (file === null) {
    throw new CheckpointError("checkpoint_format_unknown", `${path} is a folder without a file of weights`);
  }
  const read = file.endsWith(".index.json") ? await readShards(file, options) : await readOne(file, options);
  const isOpenAi = openAiNumbers.every((name) => read.tensors.has(name));
  const raw = new Map([...read.tensors].filter(([name]) => !isNoWeight(name)));
  const found = recogniseLayout(raw.keys());
  const layout = found !== null && "layout" in found ? found.layout : null;
  const tensors = layout === "hugging_face" ? fromHuggingFaceTensors(raw) : raw;
  return { ...read, file, tensors, layout, isOpenAi };
}

/** The files that a model's weights lie in: one, or those of an index. */
export async function filesOf(file: string): Promise<string[]> {
  return file.endsWith(".index.json") ? [...(await readShardIndex(file)).keys()] : [file];
}

type Read = Omit<Checkpoint, "layout" | "file" | "isOpenAi">;

interface ReadOptions extends CheckpointOptions {
  /** Reads only these names, as they are in the file. */
  readonly names?: ReadonlySet<string>;
}

async function readOne(path: string, options: ReadOptions): Promise<Read> {
  try {
    return await readFileOf(path, options);
  } catch (error) {
    // a folder has many files, a command several: say which
    if (!(error instanceof CheckpointError) || error.message.includes(path)) throw error;
    const { problem, message, hint } = error;
    throw new CheckpointError(problem, `${path}: ${message}`, {
      cause: error,
      ...(hint === null ? {} : { hint }),
    });
  }
}

async function readFileOf(path: string, options: ReadOptions): Promise<Read> {
  if ((await checkpointFormat(path)) === "pytorch") {
    const { tensors, classes, metadata, notes } = await readPyTorchCheckpoint(path, options);
    const format = classes === null ? "pytorch" : "torchscript";
    return { tensors, format, metadata, classes: classes ?? new Set(), notes };
  }
  const { metadata, tensors: places } = await readSafetensorsHeader(path);
  const facts = { format: "safetensors", metadata, classes: new Set<string>() } as const;
  if (options.names !== undefined)
    return { ...facts, tensors: await readSafetensorsFile(path, options.names), notes: [] };
  const { names, notes } = chooseWeights(places.keys(), options.weights);
  return { ...facts, tensors: renamed(await readSafetensorsFile(path, new Set(names.keys())), names), notes };
}

function renamed(tensors: TensorFile, names: ReadonlyMap<string, string>): TensorFile {
  return new Map([...tensors].map(([name, tensor]) => [names.get(name)!, tensor]));
}

async function readShards(index: string, { weights }: CheckpointOptions): Promise<Read> {
  const tensors: TensorFile = new Map();
  const shards = await readShardIndex(index);
  const all = [...shards.values()].flatMap((names) => [...names]);
  const { names: chosen, notes } = chooseWeights(all, weights);
  let format: Read["format"] = "safetensors";
  for (const [path, inside] of shards) {
    const names = new Set([...inside].filter((name) => chosen.has(name)));
    if (names.size === 0) continue;
    const part = await readOne(path, { names });
    ({ format } = part);
    for (const name of names) {
      const tensor = part.tensors.get(name);
      if (tensor === undefined) {
        throw new CheckpointError(
          "checkpoint_tensor_missing",
          `${path} lacks the tensor \`${name}\`, which ${index} puts there`,
        );
      }
      tensors.set(chosen.get(name)!, tensor);
    }
  }
  return { tensors, format, metadata: new Map(), classes: new Set(), notes };
}

/** What a file is by its first bytes. @throws CheckpointError "checkpoint_format_unknown" */
export async function checkpointFormat(path: string): Promise<CheckpointFormat> {
  const handle = await open(path, "r");
  const first = Buffer.alloc(9);
  try {
    await handle.read(first, 0, first.length, 0);
  } finally {
    await handle.close();
  }
  if (first.readUInt32LE(0) === 0x04034b50) return "pytorch";
  if (first[8] === 0x7b) return "safetensors";
  throw new CheckpointError("checkpoint_format_unknown", `${path} ${foreignFormat(first)}`, {
    hint: "Save it again with torch.save of PyTorch 1.6 or later, or as safetensors.",
  });
}

function foreignFormat(first: Buffer): string {
  const begins = (...bytes: number[]) => bytes.every((byte, at) => first[at] === byte);
  if (first[0] === 0x80 && first[2] === 0x8a) return "is a bare pickle, as PyTorch wrote before version 1.6";
  if (begins(0x89, 0x48, 0x44, 0x46)) return "is an HDF5 file, as Keras writes it";
  if (begins(0x47, 0x47, 0x55, 0x46)) return "is a GGUF file of llama.cpp";
  if (begins(0x1f, 0x8b)) return "is compressed with gzip; unpack it first";
  if (begins(0x08) && first[2] === 0x12) return "looks like an ONNX model, which is written and not read";
  if (first[0] === 0x7b) return "is JSON; name the folder or the file of weights";
  if (first.toString("latin1").startsWith("version ")) return "is a Git LFS pointer; fetch the file itself";
  return "is neither safetensors nor a PyTorch checkpoint";
}
