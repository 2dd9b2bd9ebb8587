import type { ListTally } from "@pairloom/service-fetcher/list";

const time = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h} h ${m} min` : m > 0 ? `${m} min ${s} s` : `${s} s`;
};

/** The commonest reasons first. */
function reasonsOf(tally: ListTally, limit: number): string[] {
  const all = [...tally.reasons].sort(([, a], [, b]) => b - a);
  const shown = all.slice(0, limit).map(([reason, count]) => `${reason} ${count}`);
  const rest = all.slice(limit).reduce((sum, [, count]) => sum + count, 0);
  return rest > 0 ? [...shown, `others ${rest}`] : shown;
}

/** A list's fetching in one line. @param rate rows a second of late */
export function listLine(tally: ListTally, rate: number): string {
  const { bytes, totalBytes } = tally.checking;
  if (tally.position.totalBytes === 0)
    return `looking the list through: ${((100 * bytes) / Math.max(1, totalBytes)).toFixed(0)} %`;
  const failures = tally.rows - tally.successes;
  const share = tally.share;
  const left = share > 0.001 && share < 1 ? `, ${time((tally.seconds / share) * (1 - share))} left` : "";
  const percent = `${(100 * share).toFixed(1)} %`;
  return `${percent} · ${tally.rows} rows, ${tally.successes} pictures, ${failures} failed · ${rate.toFixed(0)} rows/s${left}`;
}

/** The same for a terminal, with the reasons. */
export function listBlock(tally: ListTally, rate: number): string {
  const reasons = reasonsOf(tally, 6);
  return [listLine(tally, rate), ...(reasons.length > 0 ? [`  ${reasons.join(" · ")}`] : [])].join("\n");
}

/** What a finished run says of itself. */
export function listResult(tally: ListTally, folder: string): string {
  const there = tally.shardsThere > 0 ? ` (${tally.shardsThere} were there already)` : "";
  const rate = tally.seconds > 0 ? (tally.successes / tally.seconds).toFixed(0) : "0";
  return [
    `${tally.successes} pictures of ${tally.rows} rows in ${tally.shards} shards${there}: ${folder}`,
    `${time(tally.seconds)}, ${rate} pictures a second`,
    ...reasonsOf(tally, 50).map((line) => `  ${line}`),
  ].join("\n");
}
