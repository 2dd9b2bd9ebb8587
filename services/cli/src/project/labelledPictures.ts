import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@pairloom/config";
import type { LabelRule } from "@pairloom/evaluation";
import { z } from "zod";

/** A picture and the number of its class. */
export interface LabelledPicture {
  image: Uint8Array;
  label: number;
}

export interface LabelledPictures {
  classes: string[];
  pictures: AsyncIterable<LabelledPicture>;
  /** Samples of a release that no class's rule, or several, matched; known when all have been read. */
  unlabelled(): number;
}

const rulesSchema = z.array(z.strictObject({ name: z.string().min(1), pattern: z.string().min(1) })).min(2);

/**
 * Pictures with their classes: of a folder with one subfolder a class, or of a release whose texts say the class.
 *
 * @param classesFile names, one a line: of the subfolders in their order, or of the classes that a release's texts name
 * @param rulesFile JSON, `[{"name": …, "pattern": …}]`: a class and the regular expression that its texts match
 * @throws UserError where there is nothing of the kind
 */
export async function labelledPictures(
  data: string,
  { classesFile, rulesFile }: { classesFile?: string | undefined; rulesFile?: string | undefined },
): Promise<LabelledPictures> {
  const names = classesFile === undefined ? null : linesOf(await readFile(classesFile, "utf8"));
  const folders = await classFolders(data);
  if (folders.length > 0) return ofFolders(data, folders, names);
  const rules = rulesFile === undefined ? (names ?? []).map(ruleOfName) : await readRules(rulesFile);
  if (rules.length < 2) {
    throw new UserError("classes_missing", `Nothing says which classes the pictures in ${data} have`, {
      hint: "Give --classes (names, one a line), or --labels (a JSON list of names and patterns), or a folder with one subfolder a class.",
    });
  }
  return ofRelease(data, rules);
}

/** Subfolders that hold pictures; a release has none. */
async function classFolders(data: string): Promise<string[]> {
  if ((await stat(data).catch(() => null))?.isDirectory() !== true) return [];
  const entries = await readdir(data, { withFileTypes: true });
  if (entries.some(({ name }) => name.endsWith(".tar"))) return [];
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  return folders.map(({ name }) => name).sort();
}

function ofFolders(data: string, folders: string[], names: string[] | null): LabelledPictures {
  if (names !== null && names.length !== folders.length) {
    throw new UserError(
      "classes_differ",
      `${data} has ${folders.length} classes, the list names ${names.length}`,
      {
        hint: `One name a line, in the order of the folders: ${folders.slice(0, 3).join(", ")}, …`,
      },
    );
  }
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for (const [label, folder] of folders.entries()) {
      for (const file of (await readdir(join(data, folder))).sort()) {
        if (/\.(jpe?g|png|webp|gif|avif|tiff?)$/i.test(file)) {
          yield { image: await readFile(join(data, folder, file)), label };
        }
      }
    }
  }
  const classes = names ?? folders.map((folder) => folder.replaceAll("_", " "));
  return { classes, pictures: pictures(), unlabelled: () => 0 };
}

async function ofRelease(data: string, rules: readonly LabelRule[]): Promise<LabelledPictures> {
  const [{ labelRules }, { openShards }, { textsOf }] = await Promise.all([
    import("@pairloom/evaluation"),
    import("@pairloom/shards"),
    import("@pairloom/training"),
  ]);
  const labelOf = labelRules(rules);
  const reader = await openShards(data);
  let unlabelled = 0;
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for await (const sample of reader) {
      const label = labelOf(textsOf(sample));
      if (label === null) unlabelled++;
      else yield { image: sample.image, label };
    }
  }
  return { classes: rules.map(({ name }) => name), pictures: pictures(), unlabelled: () => unlabelled };
}

/** A name as a word of its own, whatever its case. */
function ruleOfName(name: string): LabelRule {
  const literal = name.replaceAll(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  return { name, pattern: `(?<![\\p{L}\\p{N}])${literal}(?![\\p{L}\\p{N}])` };
}

async function readRules(path: string): Promise<LabelRule[]> {
  try {
    return rulesSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (cause) {
    throw new UserError("label_rules_invalid", `${path} is no list of label rules`, {
      hint: 'It must be JSON: [{"name": "red circle", "pattern": "red circle"}, …], two at least.',
      cause,
    });
  }
}

/** The lines of a text that say something. */
export function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
