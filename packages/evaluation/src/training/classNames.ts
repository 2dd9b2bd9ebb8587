import { readFile } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";
import type { LabelRule } from "../labelRules.js";
import { listOf } from "../templates/datasetLists.js";

/**
 * Class names from a file, one a line (or a JSON list); empty lines and those that begin with # don't count.
 * @throws UserError "classes_missing", "classes_invalid", "classes_too_few"
 */
export async function readClassNames(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new UserError("classes_missing", `The class names in ${path} can't be read`, {
      hint: "Give --zero-shot-classes a text file with one class name a line.",
      cause,
    });
  });
  const names = listOf(text, path, { code: "classes_invalid", plural: "class names" });
  const classes = [...new Set(names.filter((name) => name !== "" && !name.startsWith("#")))];
  if (classes.length < 2)
    throw new UserError("classes_too_few", `${path} names ${classes.length} classes`, {
      hint: "Zero-shot classification needs two at least, one a line.",
    });
  return classes;
}

/** A caption belongs to the class whose name it says, in the singular or a regular plural. */
export function namedRules(classes: readonly string[]): LabelRule[] {
  return classes.map((name) => ({
    name,
    pattern: `(?<![\\p{L}\\p{N}])${name.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&")}(s|es)?(?![\\p{L}\\p{N}])`,
  }));
}
