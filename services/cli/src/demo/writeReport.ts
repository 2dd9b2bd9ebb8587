import { writeFile } from "node:fs/promises";
import { reasons, type Reason } from "@pairloom/config";
import { escapeHtml } from "../project/escapeHtml.js";
import { readMetrics } from "../project/runFolders.js";
import { lineChart } from "./lineChart.js";
import type { DemoReport } from "./demoRoad.js";
import type { DemoProof } from "./proveDemo.js";

const count = (n: number): string => n.toLocaleString("en-US");
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Writes `report.html`: one page, nothing loaded from elsewhere. */
export async function writeReport(report: DemoReport, proof: DemoProof, run: string): Promise<void> {
  const { lines } = await readMetrics(run, 0);
  const series = (field: string): [number, number][] =>
    lines.flatMap((line) =>
      typeof line[field] === "number" && typeof line["step"] === "number"
        ? [[line["step"], line[field]]]
        : [],
    );
  const total = Object.values(report.seconds).reduce((sum, seconds) => sum + seconds, 0);
  const body = `
<h1>pairloom demo</h1>
<p class="lead">A query list went in; out came a model that names colour–shape combinations it has never seen.
${total.toFixed(0)} s in all on the ${escapeHtml(report.engine)} engine, seed ${report.seed}.</p>
<div class="figures">
${figure(percent(report.zeroShotTop1), `zero-shot top-1 on ${count(report.heldOutImages)} pictures of ${report.heldOutClasses.length} unseen combinations, among ${report.classes} classes`)}
${figure(percent(proof.seenTop1), "zero-shot top-1 on combinations that were in training")}
${figure(percent(report.recallAt1), "sentence → image recall@1 on held-out pairs")}
${figure(percent(report.recallAt5), "recall@5")}
</div>
<section><h2>The funnel</h2>${funnelBars(report)}</section>
<section><h2>Where the time went</h2><table>${Object.entries(report.seconds)
    .map(([stage, seconds]) => `<tr><td>${stage}</td><td class="n">${seconds.toFixed(1)} s</td></tr>`)
    .join("")}</table></section>
<section><h2>Training</h2>
<div class="charts">${lineChart("loss", series("loss"))}${lineChart("1 / temperature", series("logitScale"))}${lineChart("learning rate", series("lr"))}</div></section>
<section><h2>Pictures found for sentences</h2>
<p class="quiet">The best five of the held-out release. None of these combinations was in training.</p>
${proof.searches.map(searchRow).join("\n")}</section>
<section><h2>Which name each unseen combination got</h2>${confusionTable(proof)}</section>`;
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>pairloom demo: ${percent(report.zeroShotTop1)} zero-shot</title><style>${style}</style></head><body><main>${body}</main></body></html>
`;
  await writeFile(report.paths.report, page);
}

const figure = (value: string, label: string): string =>
  `<div class="figure"><b>${value}</b><span>${escapeHtml(label)}</span></div>`;

function funnelBars({ funnel, release }: DemoReport): string {
  const refused = Object.values(funnel.refused).reduce((sum, n) => sum + n, 0);
  const { url, bytes, near } = funnel.duplicates;
  const rows: [string, number, string][] = [
    [
      "seen",
      funnel.seen,
      `candidates, from ${count(funnel.queries)} queries and ${count(funnel.pages.read)} pages`,
    ],
    ["refused", refused, ""],
    ["duplicate", url + bytes + near, `by URL ${count(url)}, by bytes ${count(bytes)}, near ${count(near)}`],
    ["fetched", funnel.fetched, `${(funnel.bytes / 1e6).toFixed(1)} MB`],
    [
      "released",
      release.train.samples + release.heldOut.samples,
      `${count(release.train.samples)} to train, ${count(release.heldOut.samples)} held out`,
    ],
  ];
  const bars = rows
    .map(
      ([name, n, note]) =>
        `<div class="bar ${name}"><span>${name}</span><span class="track"><span style="width:${(100 * n) / Math.max(1, funnel.seen)}%"></span></span><span class="n">${count(n)}</span><span class="quiet">${escapeHtml(note)}</span></div>`,
    )
    .join("");
  const byReason = Object.entries(funnel.refused)
    .sort((a, b) => b[1] - a[1])
    .map(
      ([reason, n]) =>
        `<tr><td>${reason}</td><td class="n">${count(n)}</td><td class="quiet">${escapeHtml(reasons[reason as Reason].says)}</td></tr>`,
    )
    .join("");
  return `${bars}<details><summary>Refused, by reason</summary><table>${byReason}</table></details>`;
}

function searchRow({ sentence, pictures }: DemoProof["searches"][number]): string {
  const images = pictures
    .map(
      ({ caption, score, jpeg }) =>
        `<figure><img src="data:image/jpeg;base64,${jpeg.toString("base64")}" alt="${escapeHtml(caption)}"><figcaption>${score.toFixed(3)}</figcaption></figure>`,
    )
    .join("");
  return `<div class="search"><p>“${escapeHtml(sentence)}”</p><div class="found">${images}</div></div>`;
}

function confusionTable({ confusion }: DemoProof): string {
  const columns = [...new Set(confusion.flatMap(({ predicted }) => Object.keys(predicted)))].sort();
  const head = columns.map((name) => `<th class="up"><span>${escapeHtml(name)}</span></th>`).join("");
  const rows = confusion
    .map(({ truth, predicted }) => {
      const all = Object.values(predicted).reduce((sum, n) => sum + n, 0);
      const cells = columns
        .map((name) => {
          const n = predicted[name] ?? 0;
          const strength = n === 0 ? 0 : 0.15 + (0.75 * n) / all;
          const colour = name === truth ? `rgba(47,133,90,${strength})` : `rgba(192,57,43,${strength})`;
          return `<td class="n"${n > 0 ? ` style="background:${colour}"` : ""}>${n > 0 ? n : ""}</td>`;
        })
        .join("");
      return `<tr><th>${escapeHtml(truth)}</th>${cells}<td class="n"><b>${percent((predicted[truth] ?? 0) / all)}</b></td></tr>`;
    })
    .join("");
  return `<div class="wide"><table class="confusion"><tr><td></td>${head}<td></td></tr>${rows}</table></div>`;
}

const style = `
:root{color-scheme:light dark;--ground:light-dark(#f5f6f8,#14181d);--card:light-dark(#fff,#1c2229);--line:light-dark(#dfe3e8,#313943);--ink:light-dark(#1d2733,#e4e9ef);--quiet:light-dark(#5d6b7a,#93a1b0);--blue:light-dark(#2b6cb0,#6aa9e6)}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}main{max-width:62rem;margin:auto;padding:1.5rem}
h1{margin:0}.lead{font-size:1.1rem;margin:.3rem 0 1.2rem}section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1rem 1.25rem;margin:1rem 0}
h2{font-size:1.05rem;margin:0 0 .7rem}.quiet{color:var(--quiet);font-size:.88rem}.n{text-align:right;font-variant-numeric:tabular-nums}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem}.figure{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem}.figure b{display:block;font-size:1.9rem}.figure span{color:var(--quiet);font-size:.88rem}
.bar{display:grid;grid-template-columns:5.5rem 1fr 4rem 17rem;gap:.8rem;align-items:center;margin:.25rem 0}.track{background:var(--ground);border-radius:4px;height:1.1rem;overflow:hidden}.track span{display:block;height:100%;background:var(--blue)}.bar.refused .track span{background:#c0392b}.bar.duplicate .track span{background:#b7791f}.bar.released .track span{background:#2f855a}
table{border-collapse:collapse}td,th{padding:.15rem .6rem .15rem 0;text-align:left}td.n{text-align:right}details{margin-top:.6rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem}.charts svg{width:100%;height:auto}
.search{margin:.8rem 0}.search p{margin:0 0 .3rem;font-weight:600}.found{display:flex;gap:.6rem;flex-wrap:wrap}figure{margin:0}figure img{width:96px;height:96px;object-fit:contain;background:var(--ground);border-radius:6px;display:block}figcaption{font-size:.78rem;color:var(--quiet);text-align:center}
.wide{overflow-x:auto}.confusion td,.confusion th{padding:.2rem .35rem;font-size:.85rem;border:1px solid var(--line)}.confusion .up{vertical-align:bottom}.confusion .up span{writing-mode:vertical-rl;transform:rotate(180deg);font-weight:400}.confusion th{white-space:nowrap;font-weight:600}
`;
