import { stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * The file of weights that a path names by itself: a file, or a model's folder of open_clip or transformers. Null where it
 * is the name of a run in the project, or a run's folder.
 *
 * @throws CheckpointError where a folder holds several
 */
export async function foreignWeights(dir: string, path: string): Promise<string | null> {
  if ((await stat(join(dir, "runs", path)).catch(() => null)) !== null) return null;
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  if (!found.isDirectory()) return path;
  const { weightsIn } = await import("@pairloom/clip");
  return weightsIn(path);
}
