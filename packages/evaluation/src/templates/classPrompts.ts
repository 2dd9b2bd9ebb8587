import { UserError } from "@pairloom/config/errors";

/** What stands for the name in a template: `{}` as in OpenAI's, `{c}` as in CLIP_benchmark's; `{s}` is its plural. */
const places = /\{([cs]?)\}/g;

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

/** @param whence names the list in messages. @throws UserError "templates_invalid" where a template has no place for the name */
export function checkTemplates(templates: readonly string[], whence: string): readonly string[] {
  const bad = templates.find((template) => template.search(places) < 0);
  if (templates.length > 0 && bad === undefined) return templates;
  throw new UserError(
    "templates_invalid",
    `${whence} has ${bad === undefined ? "no template" : `the template "${bad}", which has no {}`}`,
    { hint: "One prompt a line, with {} (or {c}) for the class's name, or {s} for its plural." },
  );
}
