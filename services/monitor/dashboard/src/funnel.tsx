import type { Status } from "./api.js";

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, n) => total + n, 0);

/** The road in bars: what was seen, and what became of it. */
export function Funnel({ funnel }: { funnel: Status["funnel"] }) {
  const refused = sum(funnel.refused);
  const doubles = sum(funnel.duplicates);
  const bars = [
    ["seen", funnel.seen],
    ["refused", refused],
    ["fetched", funnel.fetched],
    ["duplicate", doubles],
    ["kept", funnel.kept],
  ] as const;
  const most = Math.max(1, funnel.seen);
  const isEmpty = funnel.queries === 0 && funnel.pages.found === 0 && funnel.seen === 0;
  const reasons = Object.entries(funnel.refused).sort((a, b) => b[1] - a[1]);
  return (
    <section class="wide">
      <h2>Funnel</h2>
      {isEmpty && <p>Nothing is here yet. Begin with a query list or a site, in the form “Seed” below.</p>}
      <p class="quiet">
        {funnel.queries.toLocaleString()} queries · {funnel.pages.read.toLocaleString()} pages read ·{" "}
        {(funnel.bytes / 1e6).toFixed(1)} MB of pictures
      </p>
      {bars.map(([name, count]) => (
        <div class={`bar ${name}`} key={name}>
          <span>{name}</span>
          <span class="track">
            <span class="fill" style={{ display: "block", width: `${(100 * count) / most}%` }} />
          </span>
          <span class="count">{count.toLocaleString()}</span>
        </div>
      ))}
      <div class="chips">
        {Object.entries(funnel.duplicates).map(([layer, count]) =>
          count > 0 ? (
            <span class="chip" key={layer}>
              duplicate {layer} <b>{count.toLocaleString()}</b>
            </span>
          ) : null,
        )}
        {reasons.map(([reason, count]) => (
          <span class="chip" key={reason}>
            {reason} <b>{count.toLocaleString()}</b>
          </span>
        ))}
      </div>
    </section>
  );
}
