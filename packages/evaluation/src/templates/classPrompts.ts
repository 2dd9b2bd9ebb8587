import { UserError } from "@pairloom/config/errors";

/** What stands for the name in a template: `{}` as in OpenAI's, `{c}` as in CLIP_benchmark's, `{classname}`; `{s}` is its plural. */
const places = /\{(|c|s|classname)\}/g;

/** Prompts of one class from its name. */
export function classPrompts(
  name: string,
  templates: readonly string[],
  plural: (name: string) => string = englishPlural,
): string[] {
  return templates.map((template) =>
    template.replace(places, (_, kind: string) => (kind === "s" ? plural(name) : name)),
  );
}

/** Regular plurals alone: "red cross" → "red crosses". */
export function englishPlural(name: string): string {
  if (/(s|x|z|ch|sh)$/.test(name)) return `${name}es`;
  return /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}s`;
}

/**
 * @param whence names the list in messages
 * @throws UserError "templates_invalid" where a template has no place for the name, or a place for something else
 */
export function checkTemplates(templates: readonly string[], whence: string): readonly string[] {
  const hint =
    "One prompt a line, with {} (or {c}, {classname}) for the class's name, or {s} for its plural.";
  const invalid = (why: string) => new UserError("templates_invalid", `${whence} has ${why}`, { hint });
  if (templates.length === 0) throw invalid("no template");
  for (const template of templates) {
    const other = /\{[^{}]*\}|[{}]/.exec(template.replace(places, ""))?.[0];
    if (other !== undefined)
      throw invalid(`the template "${template}", in which ${other} is no known placeholder`);
    if (template.search(places) < 0) throw invalid(`the template "${template}", which has no {}`);
  }
  return templates;
}
