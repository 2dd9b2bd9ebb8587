/** What the values of a JSON column have been so far; "mixed" ones are written as texts. */
export type ValueKind =
  | { kind: "null" | "boolean" | "double" | "text" | "mixed" }
  | WholeKind
  | { kind: "list"; item: ValueKind }
  | { kind: "struct"; fields: ReadonlyMap<string, ValueKind> };

interface WholeKind {
  kind: "whole";
  /** Some are below 0. */
  negative: boolean;
  /** Some have more digits than a double. */
  long: boolean;
  /** Some need all of 64 bits. */
  large: boolean;
}

const mixed: ValueKind = { kind: "mixed" };
export const noValue: ValueKind = { kind: "null" };

/** More keys are an object's content rather than its form. */
const mostFields = 100;
const deepest = 8;

const minLong = -(2n ** 63n);
const maxLong = 2n ** 63n - 1n;
const maxUnsigned = 2n ** 64n - 1n;

/** The narrowest kind that holds a value and all that were before it; the order makes no difference. */
export function widen(known: ValueKind, value: unknown, depth = 0): ValueKind {
  if (value === null || value === undefined || known.kind === "mixed") return known;
  return merge(known, kindOf(value, depth));
}

function kindOf(value: unknown, depth: number): ValueKind {
  switch (typeof value) {
    case "boolean":
      return { kind: "boolean" };
    case "string":
      return { kind: "text" };
    case "number":
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { kind: "whole", negative: value < 0, long: false, large: false }
        : { kind: "double" };
    case "bigint":
      if (value < minLong || value > maxUnsigned) return mixed;
      return { kind: "whole", negative: value < 0n, long: true, large: value > maxLong };
    default:
  }
  if (depth >= deepest) return mixed;
  if (Array.isArray(value)) {
    let item: ValueKind = noValue;
    for (const one of value) item = widen(item, one, depth + 1);
    return { kind: "list", item };
  }
  const entries = Object.entries(value as object);
  if (entries.length === 0 || entries.length > mostFields) return mixed;
  return {
    kind: "struct",
    fields: new Map(entries.map(([name, one]) => [name, widen(noValue, one, depth + 1)])),
  };
}

function merge(a: ValueKind, b: ValueKind): ValueKind {
  if (a.kind === "null") return b;
  if (b.kind === "null") return a;
  if (a.kind === "list" && b.kind === "list") {
    const item = merge(a.item, b.item);
    return item === a.item ? a : { kind: "list", item };
  }
  if (a.kind === "struct" && b.kind === "struct") return mergeFields(a, b);
  if (a.kind === "whole" && b.kind === "whole") return mergeWhole(a, b);
  if (a.kind === b.kind) return a;
  const [whole, other] = a.kind === "whole" ? [a, b] : b.kind === "whole" ? [b, a] : [null, a];
  // Beside fractions, numbers of more digits than a double has would lose some.
  return whole !== null && other.kind === "double" && !whole.long ? other : mixed;
}

function mergeWhole(a: WholeKind, b: WholeKind): ValueKind {
  const [negative, long, large] = [a.negative || b.negative, a.long || b.long, a.large || b.large];
  if (negative && large) return mixed;
  const isSame = negative === a.negative && long === a.long && large === a.large;
  return isSame ? a : { kind: "whole", negative, long, large };
}

function mergeFields(
  a: Extract<ValueKind, { kind: "struct" }>,
  b: Extract<ValueKind, { kind: "struct" }>,
): ValueKind {
  const fields = new Map(a.fields);
  let isSame = true;
  for (const [name, kind] of b.fields) {
    const before = fields.get(name) ?? noValue;
    const now = merge(before, kind);
    if (now === before && fields.has(name)) continue;
    fields.set(name, now);
    isSame = false;
  }
  if (isSame) return a;
  return fields.size > mostFields ? mixed : { kind: "struct", fields };
}
