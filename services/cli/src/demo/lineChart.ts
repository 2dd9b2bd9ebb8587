const width = 320;
const height = 170;
const margin = { left: 46, right: 8, top: 22, bottom: 22 };

/** A small line chart as inline SVG: one series of (x, y) points; long ones are thinned. */
export function lineChart(title: string, points: readonly [number, number][]): string {
  const step = Math.max(1, Math.ceil(points.length / 400));
  const shown = points.filter((_, at) => at % step === 0 || at === points.length - 1);
  if (shown.length < 2)
    return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}: no data"></svg>`;
  const xs = shown.map(([x]) => x);
  const ys = shown.map(([, y]) => y);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = [Math.min(0, ...ys), Math.max(...ys)];
  const x = (value: number) =>
    margin.left + ((value - left) / (right - left || 1)) * (width - margin.left - margin.right);
  const y = (value: number) =>
    height - margin.bottom - ((value - low) / (high - low || 1)) * (height - margin.top - margin.bottom);
  const path = shown
    .map(([px, py], at) => `${at === 0 ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
    .join("");
  const ticks = [low, (low + high) / 2, high]
    .map(
      (value) =>
        `<line x1="${margin.left}" x2="${width - margin.right}" y1="${y(value)}" y2="${y(value)}" stroke="var(--line)"/>` +
        `<text x="${margin.left - 5}" y="${y(value) + 4}" text-anchor="end">${tick(value)}</text>`,
    )
    .join("");
  return (
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title} over steps" font-size="11" fill="var(--quiet)">` +
    `<text x="${margin.left}" y="13" font-weight="600" fill="var(--ink)">${title}</text>${ticks}` +
    `<text x="${margin.left}" y="${height - 6}">${left}</text><text x="${width - margin.right}" y="${height - 6}" text-anchor="end">step ${right}</text>` +
    `<path d="${path}" fill="none" stroke="var(--blue)" stroke-width="1.6"/></svg>`
  );
}

function tick(value: number): string {
  if (value === 0) return "0";
  return Math.abs(value) < 0.01 ? value.toExponential(0) : value.toFixed(value < 10 ? 2 : 0);
}
