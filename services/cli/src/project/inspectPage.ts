import type { ChosenSample, Survey } from "@pairloom/shards";
import { escapeHtml } from "./escapeHtml.js";
import { countsText, spreadText } from "./surveyText.js";
import { thumbnailUri } from "./thumbnailUri.js";

/** A page of samples that loads nothing: thumbnails are in it, and what strangers wrote is text alone. */
export async function inspectPage(name: string, seed: number, survey: Survey): Promise<string> {
  const { shards, ofShards, samples, chosen } = survey;
  const cards = await Promise.all(chosen.map(sampleCard));
  const found = [
    ["Pictures", countsText(survey.formats, "none")],
    ["Bytes of a picture", spreadText(survey.pictureBytes)],
    ["Characters of a caption", spreadText(survey.captionCharacters)],
    ["Captions met before", survey.repeatedCaptions.toLocaleString("en-US")],
    ["Put aside", countsText(survey.quarantined, "nothing")],
    ["Passed over", countsText(survey.noted, "nothing")],
  ];
  const list = found.map(([term, text]) => `<dt>${term}</dt><dd>${text}</dd>`).join("");
  const read = shards === ofShards ? `${shards} shards` : `${shards} of ${ofShards} shards`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer"><title>${escapeHtml(name)} — pairloom shards</title><style>${style}</style></head>
<body><main><header><h1>${escapeHtml(name)}</h1>
<p>${chosen.length} of ${samples.toLocaleString("en-US")} samples in ${read}, chosen by seed ${seed}</p>
<dl>${list}</dl></header>
<div class="samples">${cards.join("\n")}</div></main></body></html>
`;
}

async function sampleCard({ key, shard, image, text, json }: ChosenSample): Promise<string> {
  const uri = await thumbnailUri(image).catch(() => null);
  const picture =
    uri === null
      ? `<span class="lost">no picture: it can't be decoded</span>`
      : `<img alt="${escapeHtml(text)}" src="${uri}">`;
  const record =
    json === null
      ? ""
      : `<details><summary>record</summary><pre>${escapeHtml(JSON.stringify(json, null, 2))}</pre></details>`;
  return `<figure><div class="frame">${picture}</div><figcaption><p>${escapeHtml(text)}</p><small><code>${escapeHtml(key)}</code> in ${escapeHtml(shard)}</small>${record}</figcaption></figure>`;
}

const style = `
:root{color-scheme:light dark;--ground:light-dark(#f5f6f8,#14181d);--card:light-dark(#fff,#1c2229);--line:light-dark(#dfe3e8,#313943);--ink:light-dark(#1d2733,#e4e9ef);--quiet:light-dark(#5d6b7a,#93a1b0)}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,sans-serif}main{max-width:90rem;margin:auto;padding:2rem 1.25rem}
h1{margin:0;font-size:1.7rem;overflow-wrap:anywhere}header p{margin:.2rem 0;color:var(--quiet)}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.6rem 0 1.5rem;font-size:.9rem}dt{color:var(--quiet)}dd{margin:0;font-variant-numeric:tabular-nums}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1rem;align-items:start}figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden}
.frame{position:relative;aspect-ratio:1;background:light-dark(#eceff3,#11151a);display:grid;place-items:center}.frame img{position:absolute;inset:0;width:100%;height:100%;object-fit:contain}.lost{color:var(--quiet);font-size:.85rem}
figcaption{padding:.7rem .85rem .8rem}figcaption p{margin:0 0 .35rem;overflow-wrap:anywhere;white-space:pre-line;max-height:11.6em;overflow:auto}small{color:var(--quiet);overflow-wrap:anywhere}details{margin-top:.4rem;font-size:.8rem}summary{color:var(--quiet);cursor:pointer}pre{margin:.3rem 0 0;max-height:16rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
`;
