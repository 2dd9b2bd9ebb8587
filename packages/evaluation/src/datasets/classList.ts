import { readFile } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";

/**
 * Class names of a file, one a line, in the order of their numbers. Empty lines at the end don't count.
 *
 * @throws UserError "classes_missing", "class_name_empty"
 */
export async function readClassList(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new UserError("classes_missing", `The class names in ${path} can't be read`, {
      hint: "Give a text file with one class name a line.",
      cause,
    });
  });
  const names = text
    .replace(/^\ufeff/, "")
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
  const empty = names.indexOf("");
  if (empty >= 0)
    throw new UserError("class_name_empty", `Line ${empty + 1} of ${path} is empty`, {
      hint: "The line's number is the class's: each needs a name.",
    });
  return names;
}
