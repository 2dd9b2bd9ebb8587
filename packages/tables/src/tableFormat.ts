export const tableFormats = ["txt", "csv", "tsv", "json", "jsonl", "parquet"] as const;
export type TableFormat = (typeof tableFormats)[number];

const otherEndings: Record<string, TableFormat> = { tab: "tsv", ndjson: "jsonl", pq: "parquet" };

/** The format that a file's name says, before an ending `.gz`; null where it says none. */
export function tableFormatOf(name: string): TableFormat | null {
  const ending = /\.([a-z]+)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase() ?? "";
  if (Object.hasOwn(otherEndings, ending)) return otherEndings[ending] ?? null;
  return tableFormats.find((format) => format === ending) ?? null;
}
