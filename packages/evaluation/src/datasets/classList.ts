import { readFile } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";
import { listOf, type ListChoice } from "../templates/datasetLists.js";

/**
 * Class names of a file in the order of their numbers: one a line, a JSON list, or CLIP_benchmark's JSON of several datasets.
 * Empty lines at the end don't count.
 *
 * @throws UserError "classes_missing", "class_name_empty", "classes_invalid" where the file is of another format
 */
export async function readClassList(path: string, choice: ListChoice = {}): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new UserError("classes_missing", `The class names in ${path} can't be read`, {
      hint: "Give a text file with one class name a line.",
      cause,
    });
  });
  const names = listOf(text, path, { code: "classes_invalid", plural: "class names" }, choice);
  const empty = names.indexOf("");
  if (empty >= 0)
    throw new UserError("class_name_empty", `Line ${empty + 1} of ${path} is empty`, {
      hint: "The line's number is the class's: each needs a name.",
    });
  return names;
}
