import { readFile } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";
import { checkTemplates } from "./classPrompts.js";
import { listOf, type ListChoice } from "./datasetLists.js";
import { openai7, openai80 } from "./openaiTemplates.js";
import { plainTemplates } from "./plainTemplates.js";

/** Sets of templates by name. */
export const templateSets: Readonly<Record<string, readonly string[]>> = {
  "openai-80": openai80,
  "openai-7": openai7,
  plain: plainTemplates,
};

/**
 * Templates of a set, or of a file: one a line, a JSON list, or CLIP_benchmark's JSON of several datasets.
 *
 * @throws UserError "templates_missing" where it is neither, "templates_invalid" where one has no place for the name, or
 *   the file is of another format
 */
export async function readTemplates(nameOrFile: string, choice: ListChoice = {}): Promise<readonly string[]> {
  const known = Object.hasOwn(templateSets, nameOrFile) ? templateSets[nameOrFile] : undefined;
  if (known !== undefined) return known;
  const text = await readFile(nameOrFile, "utf8").catch((cause: unknown) => {
    throw new UserError("templates_missing", `There are no templates ${nameOrFile}`, {
      hint: `Name a set (${Object.keys(templateSets).join(", ")}) or a file with one prompt a line.`,
      cause,
    });
  });
  const kind = { code: "templates_invalid", plural: "templates", fallback: "imagenet1k" };
  const templates = listOf(text, nameOrFile, kind, choice).filter((line) => line !== "");
  return checkTemplates(templates, nameOrFile);
}
