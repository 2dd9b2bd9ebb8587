import { CheckpointError } from "./checkpointError.js";
import { recogniseLayout, type WeightLayout } from "./weightLayout.js";

/** Which tensors of a file are the model's, and what was done to tell them. */
export interface ChosenWeights {
  /** Whether a model of a known layout was found among them. */
  readonly isModel: boolean;
  /** Name in the file → name in the model's own state dict. */
  readonly names: ReadonlyMap<string, string>;
  /** What was done, in words; empty where the names were the model's own. */
  readonly notes: readonly string[];
}

/** Modules that wrap another and mean nothing: DistributedDataParallel's, torch.compile's, FSDP's. */
const wrappers: ReadonlySet<string> = new Set([
  "module",
  "_orig_mod",
  "_fsdp_wrapped_module",
  "_checkpoint_wrapped_module",
]);

/** A tensor that every model of a layout has in its image tower, and those of which it has one in its text tower. */
const marks: readonly { readonly image: string; readonly text: readonly string[] }[] = [
  { image: "visual.conv1.weight", text: ["ln_final.weight", "text.ln_final.weight"] },
  {
    image: "vision_model.embeddings.patch_embedding.weight",
    text: ["text_model.final_layer_norm.weight"],
  },
];

/** First parts of the names that a model's tensors have. OpenAI's archives hold three numbers and a mask beside them. */
const own: Readonly<Record<WeightLayout, ReadonlySet<string>>> = {
  open_clip: new Set([
    ...["visual", "transformer", "token_embedding", "positional_embedding", "ln_final", "text_projection"],
    ...["logit_scale", "logit_bias", "text", "cls_emb", "attn_mask"],
    ...["input_resolution", "context_length", "vocab_size"],
  ]),
  hugging_face: new Set([
    ...["text_model", "vision_model", "text_projection", "visual_projection", "logit_scale", "logit_bias"],
  ]),
};

/** Copies that hold an average over training: taken where they are asked for, or alone. */
const isAverage = (prefix: string): boolean => /(^|[._])(ema|swa|averaged?)([._\d]|$)/i.test(prefix);

/**
 * Finds a model among the names of a file's tensors: the beginning that all of its tensors share is dropped, whatever it is
 * (`module.`, `state_dict.model.`), if what remains is a layout that is known. Modules that only wrap another are dropped
 * wherever they stand. Tensors beside the model are left out.
 *
 * @param wanted part of the beginning, to choose among several models: "ema"
 * @returns all names as they are, where no model is found
 * @throws CheckpointError "checkpoint_several_models"
 */
export function chooseWeights(names: Iterable<string>, wanted?: string): ChosenWeights {
  const plain = withoutWrappers([...names]);
  const prefix = choosePrefix(prefixesOf(new Set(plain.names.values())), wanted);
  if (prefix === null) return { isModel: false, ...plain };
  const chosen = new Map<string, string>();
  const beside: string[] = [];
  const rest = [...plain.names.values()].flatMap((name) => nameBehind(prefix, name) ?? []);
  const found = recogniseLayout(rest);
  const known = found !== null && "layout" in found ? own[found.layout] : null;
  for (const [original, name] of plain.names) {
    const inside = nameBehind(prefix, name);
    const isOwn = inside !== null && (known === null || known.has(inside.split(".")[0]!));
    if (isOwn) chosen.set(original, inside);
    else beside.push(original);
  }
  return {
    isModel: true,
    names: chosen,
    notes: [
      ...plain.notes,
      ...(prefix === "" ? [] : [`took the tensors behind \`${prefix}\``]),
      ...(beside.length === 0 ? [] : [`left out what is no part of the model: ${summary(beside)}`]),
    ],
  };
}

const nameBehind = (prefix: string, name: string): string | null =>
  name.startsWith(prefix) ? name.slice(prefix.length) : null;

/** Names without the parts that stand for modules which only wrap another. */
function withoutWrappers(names: readonly string[]): Omit<ChosenWeights, "isModel"> {
  const dropped = new Set<string>();
  const plain = new Map(
    names.map((name) => {
      const parts = name.split(".");
      const kept = parts.filter((part, at) => at === parts.length - 1 || !wrappers.has(part));
      return [name, kept.join(".")];
    }),
  );
  const isModel = prefixesOf(new Set(plain.values())).length > 0;
  // two names that became one had a meaning in what was dropped
  if (!isModel || new Set(plain.values()).size < plain.size)
    return { names: new Map(names.map((name) => [name, name])), notes: [] };
  for (const name of names)
    for (const part of name.split(".").slice(0, -1)) if (wrappers.has(part)) dropped.add(part);
  const said = [...dropped].map((part) => `\`${part}.\``).join(", ");
  return { names: plain, notes: dropped.size === 0 ? [] : [`dropped ${said} from the tensors' names`] };
}

/** The beginnings behind each of which a whole model lies. */
function prefixesOf(names: ReadonlySet<string>): string[] {
  const prefixes: string[] = [];
  for (const name of names) {
    for (const { image, text } of marks) {
      if (!name.endsWith(image)) continue;
      const prefix = name.slice(0, -image.length);
      if (prefix !== "" && !prefix.endsWith(".")) continue;
      if (text.some((end) => names.has(prefix + end))) prefixes.push(prefix);
    }
  }
  return prefixes;
}

function choosePrefix(prefixes: readonly string[], wanted: string | undefined): string | null {
  const listed = (some: readonly string[]) => some.map((prefix) => `\`${prefix}\``).join(", ");
  if (wanted !== undefined) {
    const asked = prefixes.filter((prefix) => `.${prefix}`.includes(`.${wanted.replace(/\.$/, "")}.`));
    if (asked.length === 1) return asked[0]!;
    throw new CheckpointError(
      "checkpoint_several_models",
      asked.length > 1
        ? `Several models' weights lie behind ${JSON.stringify(wanted)}: ${listed(asked)}`
        : `No model's weights lie behind ${JSON.stringify(wanted)}; there are ${listed(prefixes) || "none"}`,
      { hint: "Name the beginning of the tensors' names that only the wanted ones have." },
    );
  }
  if (prefixes.includes("")) return "";
  const usual = prefixes.filter((prefix) => !isAverage(prefix));
  const left = usual.length > 0 ? usual : prefixes;
  if (left.length > 1) {
    throw new CheckpointError(
      "checkpoint_several_models",
      `The file holds the weights of several models: behind ${listed(left)}`,
      { hint: "Choose one: `pairloom checkpoints import --weights NAME`, with a part of its beginning." },
    );
  }
  return left[0] ?? null;
}

/** Names by their first parts, and how many there are of each. */
function summary(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) {
    const first = name.split(".")[0]!.slice(0, 40);
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  const parts = [...counts].slice(0, 5).map(([first, count]) => `\`${first}\` (${count})`);
  return `${parts.join(", ")}${counts.size > parts.length ? " …" : ""}`;
}
