import { open } from "node:fs/promises";
import { CheckpointError } from "./checkpointError.js";
import { readPyTorchFile } from "./pytorch/readPyTorch.js";
import { readSafetensorsFile, type TensorFile } from "./safetensors.js";

export type CheckpointFormat = "safetensors" | "pytorch";

/** OpenAI's archives keep these numbers beside the weights. */
const notWeights: ReadonlySet<string> = new Set(["input_resolution", "context_length", "vocab_size"]);

/**
 * The weights in a file, whatever it is called: safetensors, or what `torch.save` writes.
 *
 * @throws CheckpointError where it is neither, or broken
 */
export async function readCheckpointFile(path: string): Promise<TensorFile> {
  const format = await checkpointFormat(path);
  const tensors = format === "pytorch" ? await readPyTorchFile(path) : await readSafetensorsFile(path);
  return new Map([...tensors].filter(([name]) => !notWeights.has(name)));
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
  const isOldPickle = first[0] === 0x80 && first[2] === 0x8a;
  throw new CheckpointError(
    "checkpoint_format_unknown",
    isOldPickle
      ? `${path} is a bare pickle, as PyTorch wrote before version 1.6`
      : `${path} is neither safetensors nor a PyTorch checkpoint`,
    { hint: "Save it again with torch.save of PyTorch 1.6 or later, or as safetensors." },
  );
}
