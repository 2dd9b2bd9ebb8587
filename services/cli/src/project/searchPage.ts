import type { Hit, SearchKind } from "@pairloom/evaluation";
import { escapeHtml } from "./escapeHtml.js";
import { thumbnailUri } from "./thumbnailUri.js";

export interface SearchPageInput {
  /** The sentence; null for a picture. */
  sentence: string | null;
  /** The picture that was looked for. */
  image: Uint8Array | null;
  kind: SearchKind;
  release: string;
  /** Pictures searched. */
  rows: number;
  hits: readonly (Hit & { picture: Uint8Array | null })[];
}

/** A page of results that loads nothing: thumbnails are in it. */
export async function searchPage(input: SearchPageInput): Promise<string> {
  const { sentence, image, kind, hits, rows, release } = input;
  const asked = sentence === null ? "a picture" : `“${escapeHtml(sentence)}”`;
  const cards = await Promise.all(
    hits.map((hit, at) => (kind === "images" ? pictureCard : textRow)(hit, at + 1)),
  );
  const query =
    image === null
      ? ""
      : `<img class="asked" alt="the picture that was looked for" src="${await thumbnailUri(image)}">`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><title>${asked} — pairloom search</title><style>${style}</style></head>
<body><main><header>${query}<div><h1>${asked}</h1>
<p>The ${hits.length} nearest of ${rows.toLocaleString("en-US")} ${kind === "images" ? "pictures" : "texts"} in ${escapeHtml(release)}, by cosine</p></div></header>
<${kind === "images" ? "div" : "ol"} class="${kind}">${cards.join("\n")}</${kind === "images" ? "div" : "ol"}></main></body></html>
`;
}

async function pictureCard(hit: SearchPageInput["hits"][number], place: number): Promise<string> {
  const uri = hit.picture === null ? null : await thumbnailUri(hit.picture).catch(() => null);
  const image =
    uri === null
      ? `<span class="lost">no picture</span>`
      : `<img alt="${escapeHtml(hit.text)}" src="${uri}">`;
  return `<figure><div class="frame">${image}<b>${place}</b></div><figcaption>${scoreBar(hit.score)}<p>${escapeHtml(hit.text)}</p>${source(hit)}</figcaption></figure>`;
}

async function textRow(hit: SearchPageInput["hits"][number]): Promise<string> {
  return `<li>${scoreBar(hit.score)}<p>${escapeHtml(hit.text)}</p>${source(hit)}</li>`;
}

const scoreBar = (score: number): string =>
  `<div class="score"><span><i style="width:${(100 * Math.max(0, Math.min(1, score))).toFixed(1)}%"></i></span>${score.toFixed(4)}</div>`;

/** The sample's key; a link to the picture's address where it is one of the web. */
function source({ key, url }: Hit): string {
  const shown = `<code>${escapeHtml(key)}</code>`;
  if (url === null || !/^https?:\/\//i.test(url)) return `<small>${shown}</small>`;
  const host = URL.canParse(url) ? new URL(url).host : url;
  return `<small>${shown} <a href="${escapeHtml(url)}" rel="noreferrer noopener">${escapeHtml(host)}</a></small>`;
}

const style = `
:root{color-scheme:light dark;--ground:light-dark(#f5f6f8,#14181d);--card:light-dark(#fff,#1c2229);--line:light-dark(#dfe3e8,#313943);--ink:light-dark(#1d2733,#e4e9ef);--quiet:light-dark(#5d6b7a,#93a1b0);--blue:light-dark(#2b6cb0,#6aa9e6)}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,sans-serif}main{max-width:76rem;margin:auto;padding:2rem 1.25rem}
header{display:flex;gap:1.25rem;align-items:center;margin-bottom:1.5rem}h1{margin:0;font-size:1.7rem;overflow-wrap:anywhere}header p{margin:.2rem 0 0;color:var(--quiet)}.asked{width:96px;height:96px;object-fit:contain;border-radius:10px;background:var(--card);border:1px solid var(--line)}
.images{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:1rem}figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden;display:flex;flex-direction:column}
.frame{position:relative;aspect-ratio:1;background:light-dark(#eceff3,#11151a);display:grid;place-items:center}.frame img{position:absolute;inset:0;width:100%;height:100%;object-fit:contain}.frame b{position:absolute;top:.5rem;left:.5rem;min-width:1.6rem;padding:0 .4rem;border-radius:999px;text-align:center;background:rgb(0 0 0/.6);color:#fff;font-size:.85rem}.lost{color:var(--quiet)}
figcaption{padding:.7rem .85rem .8rem}figcaption p,li p{margin:.35rem 0;overflow-wrap:anywhere}figcaption p{display:-webkit-box;-webkit-line-clamp:4;-webkit-box-orient:vertical;overflow:hidden}small{color:var(--quiet);overflow-wrap:anywhere}a{color:var(--blue)}code{font-size:.92em}
.score{display:flex;gap:.6rem;align-items:center;font-variant-numeric:tabular-nums;font-size:.85rem;color:var(--quiet)}.score span{flex:1;height:.4rem;border-radius:3px;background:var(--ground);overflow:hidden}.score i{display:block;height:100%;background:var(--blue)}
.texts{padding-left:2.2rem}.texts li{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.7rem 1rem;margin:.6rem 0}.texts .score{max-width:20rem}
`;
