import { type ColumnType, jsonText, type TableRow } from "@pairloom/tables";
import type { ListSettings } from "../listSettings.js";

/** One row of a URL list. */
export interface UrlRow {
  url: string | null;
  caption: string | null;
  /** The hash that the list says the bytes have. */
  hash: string | null;
  /** Values of the additional columns, as the list has them. */
  more: unknown[];
  /** The list's row isn't of the list's form, so nothing is known of it. */
  malformed?: true;
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

/** Puts the values of the wanted columns, which have these types, where they belong. */
export function urlRowOf({ values }: TableRow, types: readonly ColumnType[], settings: ListSettings): UrlRow {
  if (values === null) {
    const more = settings.saveAdditionalColumns.map(() => null);
    return { url: null, caption: null, hash: null, more, malformed: true };
  }
  let at = 0;
  const text = () => textOf(types[at]!.toJson(values[at++]));
  return {
    url: text(),
    caption: settings.captionCol === null ? null : text(),
    hash: settings.verifyHash === null ? null : (text()?.toLowerCase() ?? null),
    more: values.slice(at),
  };
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : jsonText(value);
}
