/** What a column of a written parquet holds. */
export type CellKind = "string" | "int" | "long" | "double" | "boolean" | "bytes";

/** The narrowest kind that holds all of these values of a JSON list: whole numbers, numbers, truth values, else text. */
export function kindOfValues(values: Iterable<unknown>): CellKind {
  let kind: CellKind | null = null;
  for (const value of values) {
    if (value === null || value === undefined) continue;
    const next: CellKind =
      typeof value === "boolean"
        ? "boolean"
        : typeof value !== "number"
          ? "string"
          : Number.isSafeInteger(value)
            ? "long"
            : "double";
    if (kind === null || kind === next) kind = next;
    else if ((kind === "long" || kind === "double") && (next === "long" || next === "double"))
      kind = "double";
    else return "string";
  }
  return kind ?? "string";
}

/** A value as hyparquet-writer wants it in a column of this kind. */
export function cellOf(kind: CellKind, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (kind) {
    case "long":
      return BigInt(value as number);
    case "string":
      if (typeof value !== "string") return JSON.stringify(value);
      return /[\ud800-\udfff]/.test(value) ? Buffer.from(value).toString() : value;
    default:
      return value;
  }
}
