import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { UserError } from "@pairloom/config";
import { sha256OfFile } from "@pairloom/storage";
import { z } from "zod";

export interface CheckpointVerdict {
  file: string;
  ok: boolean;
  /** What is wrong with it; null where nothing is. */
  problem: string | null;
  tensors: number;
  /** Numbers in all of them. */
  numbers: number;
  /** Whether its bytes are those that were written: null where no manifest says. */
  digestMatches: boolean | null;
  /** Whether names and shapes were compared with a model config. */
  shapesChecked: boolean;
  /** What was done to tell the model's tensors, or passed over, in words. */
  notes: string[];
  /** What may be wrong, in words. */
  warnings: string[];
}

const manifest = z.object({ model: z.string() });

export interface VerifyOptions {
  /** Its config, by name or path, where the file doesn't say it. */
  model?: string | undefined;
  /** Takes the config that is named where the file says otherwise. */
  force?: boolean | undefined;
}

/**
 * Looks at every byte of a checkpoint: its digest, its tensors' names and shapes (as the named config, or the file itself, or one
 * beside it says), and that all numbers are finite.
 */
export async function verifyCheckpoint(
  path: string,
  options: VerifyOptions = {},
): Promise<CheckpointVerdict> {
  const verdict: CheckpointVerdict = {
    file: basename(path),
    ok: false,
    problem: null,
    tensors: 0,
    numbers: 0,
    digestMatches: null,
    shapesChecked: false,
    notes: [],
    warnings: [],
  };
  try {
    verdict.digestMatches = await digestMatches(path);
    const clip = await import("@pairloom/clip");
    const checkpoint = await clip.readCheckpoint(path);
    const { tensors } = checkpoint;
    verdict.file = basename(checkpoint.file);
    verdict.tensors = tensors.size;
    for (const { data } of tensors.values()) verdict.numbers += data.length;
    const said = await clip.saidConfig(path, checkpoint, options);
    verdict.notes = [...checkpoint.notes, ...said.notes];
    if ("config" in said) {
      verdict.shapesChecked = true;
      verdict.warnings = [...said.warnings];
      clip.checkStateDict(tensors, said.config);
    } else checkFinite(tensors);
    verdict.ok = verdict.digestMatches !== false;
    if (!verdict.ok) verdict.problem = "its sha256 is not what its manifest says";
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    verdict.problem = error.message;
  }
  return verdict;
}

async function digestMatches(path: string): Promise<boolean | null> {
  if (!path.endsWith(".safetensors")) return null;
  const text = await readFile(path.replace(/\.safetensors$/, ".json"), "utf8").catch(() => null);
  if (text === null) return null;
  const expected = manifest.safeParse(parseJson(text));
  if (!expected.success) throw new UserError("checkpoint_manifest_damaged", "its manifest is damaged");
  return (await sha256OfFile(path)) === expected.data.model;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function checkFinite(tensors: ReadonlyMap<string, { data: ArrayLike<number | bigint> }>): void {
  for (const [name, { data }] of tensors)
    for (let i = 0; i < data.length; i++)
      if (typeof data[i] === "number" && !Number.isFinite(data[i]))
        throw new UserError("checkpoint_not_finite", `Tensor \`${name}\` holds ${data[i]} at position ${i}`);
}
