import type { Funnel } from "@pairloom/config";

const count = (n: number): string => n.toLocaleString("en-US");

function byReason(counts: Readonly<Record<string, number | undefined>>, most: number): string {
  const sorted = Object.entries(counts)
    .map(([name, n]) => [name, n ?? 0] as const)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const shown = sorted.slice(0, most).map(([name, n]) => `${name} ${count(n)}`);
  const rest = sorted.slice(most).reduce((sum, [, n]) => sum + n, 0);
  return [...shown, ...(rest > 0 ? [`others ${count(rest)}`] : [])].join(" · ");
}

const total = (counts: Readonly<Record<string, number | undefined>>): number =>
  Object.values(counts).reduce<number>((sum, n) => sum + (n ?? 0), 0);

/** The funnel as a block of lines, at most `width` columns. */
export function funnelBlock(funnel: Funnel, width = 100): string {
  const { pages, duplicates } = funnel;
  const doubles = duplicates.url + duplicates.bytes + duplicates.near + duplicates.other;
  const rows: [string, number, string][] = [
    ["queries", funnel.queries, ""],
    ["pages read", pages.read, total(pages.notRead) > 0 ? `not read: ${byReason(pages.notRead, 3)}` : ""],
    ["seen", funnel.seen, "candidates"],
    ["refused", total(funnel.refused), byReason(funnel.refused, 4)],
    [
      "duplicate",
      doubles,
      `url ${count(duplicates.url)} · bytes ${count(duplicates.bytes)} · near ${count(duplicates.near)}`,
    ],
    ["fetched", funnel.fetched, `${(funnel.bytes / 1e6).toFixed(1)} MB`],
    ["kept", funnel.kept, "until the release decides"],
  ];
  return rows
    .map(([name, n, note]) =>
      `  ${name.padEnd(11)}${count(n).padStart(11)}  ${note}`.slice(0, width).trimEnd(),
    )
    .join("\n");
}

/** The funnel in one line, for log files. */
export function funnelLine(funnel: Funnel): string {
  const { duplicates } = funnel;
  const doubles = duplicates.url + duplicates.bytes + duplicates.near + duplicates.other;
  return (
    `queries ${funnel.queries} · pages ${funnel.pages.read} · seen ${funnel.seen} · fetched ${funnel.fetched} · ` +
    `refused ${total(funnel.refused)} · duplicate ${doubles} · kept ${funnel.kept}`
  );
}
