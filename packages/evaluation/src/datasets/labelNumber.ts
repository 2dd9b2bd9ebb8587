import { UserError } from "@pairloom/config/errors";

/** Labels without names are numbers below this: more is no label. */
const mostClasses = 1_000_000;

/** A label as a dataset has it, and where it stands. */
export interface TextLabel {
  text: string;
  place: string;
}

/**
 * The number of a class where a format's labels are always numbers, whatever the classes are named.
 *
 * @param classes names by number; null where there are none
 * @throws UserError "label_unknown" where it is no number, "label_out_of_range" where there is no such number
 */
export function labelIndex({ text, place }: TextLabel, classes: readonly string[] | null): number {
  const label = text.trim();
  if (!/^\+?\d+$/.test(label))
    throw new UserError(
      "label_unknown",
      `The label of ${place} is ${JSON.stringify(label)}, which is no number`,
      {
        hint: "Labels are numbers from 0 on: lines of the list of classes.",
      },
    );
  const number = Number(label);
  if (number < (classes?.length ?? mostClasses)) return number;
  throw new UserError(
    "label_out_of_range",
    `The label of ${place} is ${label}, but ${classes === null ? "numbers end before a million" : `there are ${classes.length} class names`}`,
    { hint: "Labels count from 0. Is a name missing in the list of classes?" },
  );
}

/** What a table's labels are. */
export type LabelKind = "names" | "numbers";

/** The labels of a column, all read alike. */
export interface ColumnLabels {
  numbers: number[];
  /** Where names that are numbers themselves could be read either way: how they were read. */
  note: string | null;
}

/**
 * The numbers of a column of labels, which are names of classes, or numbers where one of them is no name.
 *
 * @param classes names by number; null where there are none
 * @param kind where it is known
 * @throws UserError as `labelIndex`; "label_unknown" where a label is neither
 */
export function columnLabels(
  labels: readonly TextLabel[],
  classes: readonly string[] | null,
  kind?: LabelKind,
): ColumnLabels {
  const asNumbers = () => ({ numbers: labels.map((label) => labelIndex(label, classes)), note: null });
  if (classes === null || kind === "numbers") return asNumbers();
  const byName = new Map<string, number>();
  classes.forEach((name, number) => byName.has(name) || byName.set(name, number));
  const named = labels.map(({ text }) => byName.get(text.trim()) ?? -1);
  const unnamed = named.indexOf(-1);
  if (unnamed < 0) return { numbers: named, note: kind === "names" ? null : ambiguity(labels, named) };
  if (kind === undefined && labels.every(({ text }) => isNumber(text))) return asNumbers();
  const neither = labels.findIndex(({ text }, i) => named[i]! < 0 && !isNumber(text));
  const { text, place } = labels[neither >= 0 ? neither : unnamed]!;
  throw new UserError(
    "label_unknown",
    `The label of ${place} is ${JSON.stringify(text.trim())}, which no class is named`,
    {
      hint:
        `The classes are ${classes.slice(0, 5).join(", ")}${classes.length > 5 ? ", …" : ""}. ` +
        "A column holds names, or numbers from 0 on alone.",
    },
  );
}

const isNumber = (text: string): boolean => /^\+?\d+$/.test(text.trim());

/** Names such as "1", "2", "3" that are also numbers of other classes. */
function ambiguity(labels: readonly TextLabel[], named: readonly number[]): string | null {
  const other = labels.findIndex(({ text }, i) => isNumber(text) && Number(text) !== named[i]);
  if (other < 0 || !labels.every(({ text }) => isNumber(text))) return null;
  const text = labels[other]!.text.trim();
  return (
    `labels are read as names of classes: "${text}" is the class of that name, number ${named[other]} ` +
    "(--label-kind says what they are)"
  );
}
