import type { ListSettings } from "../listSettings.js";

/** One row of a URL list. */
export interface UrlRow {
  url: string | null;
  caption: string | null;
  /** The hash that the list says the bytes have. */
  hash: string | null;
  /** Values of the additional columns, as the list has them. */
  more: unknown[];
}

/** The columns of a list that are read, in this order: URL, caption, hash, additional ones. */
export function wantedColumns(settings: ListSettings): string[] {
  return [
    settings.urlCol,
    ...(settings.captionCol === null ? [] : [settings.captionCol]),
    ...(settings.verifyHash === null ? [] : [settings.verifyHash.column]),
    ...settings.saveAdditionalColumns,
  ];
}

/** Puts the values of the wanted columns where they belong. */
export function urlRowOf(values: readonly unknown[], settings: ListSettings): UrlRow {
  let at = 0;
  return {
    url: textOf(values[at++]),
    caption: settings.captionCol === null ? null : textOf(values[at++]),
    hash: settings.verifyHash === null ? null : (textOf(values[at++])?.toLowerCase() ?? null),
    more: values.slice(at),
  };
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  return typeof value === "bigint" ? String(value) : JSON.stringify(value);
}
