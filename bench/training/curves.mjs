// Draws the loss of trainings over samples as one SVG: node bench/training/curves.mjs OUT.svg NAME=RUN [NAME=RUN …]
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [out, ...runs] = process.argv.slice(2);
const [width, height, left, bottom, top, right] = [720, 320, 48, 36, 14, 130];
const colours = ["#2b6cb0", "#c05621", "#2f855a", "#6b46c1"];
const series = runs.map((pair) => {
  const [name, run] = pair.split("=");
  const record = JSON.parse(readFileSync(join(run, "run.json"), "utf8"));
  const { batchSize } = record.settings;
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const steps = lines.filter(({ loss }) => loss !== undefined);
  // relative to guessing, so that batches of different sizes can stand side by side; a mean over 20 steps
  const points = steps.map(({ step }, i) => {
    const near = steps.slice(Math.max(0, i - 19), i + 1);
    const mean = near.reduce((sum, { loss }) => sum + loss, 0) / near.length;
    return [step * batchSize, mean / Math.log(batchSize)];
  });
  return {
    name: `${name} (batch ${batchSize})`,
    points: points.filter((_, i) => i % Math.ceil(points.length / 300) === 0),
  };
});
const most = Math.max(...series.flatMap(({ points }) => points.map(([x]) => x)));
const x = (value) => left + (value / most) * (width - left - right);
const y = (value) => height - bottom - (Math.min(value, 1.1) / 1.1) * (height - bottom - top);
const grid = [0, 0.25, 0.5, 0.75, 1].map(
  (value) =>
    `<line x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/>` +
    `<text x="${left - 6}" y="${y(value) + 4}" text-anchor="end">${value}</text>`,
);
const paths = series.map(({ name, points }, i) => {
  const path = points
    .map(([px, py], at) => `${at === 0 ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`)
    .join("");
  const legend = `<text x="${width - right + 10}" y="${top + 14 + 18 * i}" fill="${colours[i]}">${name}</text>`;
  return `<path d="${path}" fill="none" stroke="${colours[i]}" stroke-width="1.8"/>${legend}`;
});
writeFileSync(
  out,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#555">` +
    `<rect width="${width}" height="${height}" fill="#fff"/>${grid.join("")}${paths.join("")}` +
    `<text x="${(left + width - right) / 2}" y="${height - 8}" text-anchor="middle">samples (${most.toLocaleString("en")} in all); loss as a share of ln(batch)</text></svg>\n`,
);
