/** How the fields of a step's metrics are called for people, in the order in which they are shown. */
export const fieldTitles: Readonly<Record<string, string>> = {
  loss: "loss",
  logitScale: "logit scale (1 / temperature)",
  gradientNorm: "gradient norm",
  lr: "learning rate",
  samplesPerSecond: "samples a second",
  dataWaitMs: "wait for data, ms",
  stepMs: "step, ms",
  residentMegabytes: "memory, MB",
};

/** Fields that are no curve: a count that follows from the step. */
const plain = new Set(["epoch"]);

/** The fields that are there, known ones first, others under their own names. */
export function orderedFields(names: Iterable<string>): [field: string, title: string][] {
  const all = [...names].filter((name) => !plain.has(name));
  const known = Object.keys(fieldTitles).filter((name) => all.includes(name));
  return [...known, ...all.filter((name) => !(name in fieldTitles))].map((name) => [
    name,
    fieldTitles[name] ?? name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
  ]);
}

/** Evaluation numbers that belong in one chart. */
export function evaluationGroups(names: Iterable<string>): [title: string, fields: string[]][] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    if (/num_samples$|^seconds$/.test(name)) continue;
    const title = name.includes("R@") ? "recall" : name.includes("zeroshot") ? "zero-shot accuracy" : name;
    groups.set(title, [...(groups.get(title) ?? []), name]);
  }
  return [...groups].map(([title, fields]) => [
    fields.every((name) => name.startsWith("seen_")) ? `${title}, on training pairs` : title,
    fields,
  ]);
}

/** "seen_image_to_text_R@1" → "image → text @1". */
export function evaluationLabel(name: string): string {
  return name
    .replace(/^seen_/, "")
    .replace("image_to_text_R", "image → text ")
    .replace("text_to_image_R", "text → image ")
    .replace("zeroshot-val-", "");
}
