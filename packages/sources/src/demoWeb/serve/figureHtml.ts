import { demoPicture } from "../pictures/demoPicture.js";
import type { PlacedImage } from "../plan/demoPlan.js";
import { imageUrl, smallImage } from "../plan/imageUrl.js";
import { seededRandom } from "../seededRandom.js";
import { escapeHtml } from "./escapeHtml.js";

const pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";

/**
 * One picture on a page, described in its own way, most with a title and a caption paragraph besides; `shorten` makes a
 * URL relative to the page where it can.
 */
export function figureHtml(
  seed: number,
  placed: PlacedImage,
  port: number,
  shorten: (url: string) => string,
): string {
  const { image, way, captionOffset } = placed;
  const html = figureOf(seed, placed, port, shorten);
  if (way === "file_name") return html;
  const { captions, name, index } = demoPicture(seed, image.combination, image.index);
  const random = seededRandom(seed, "more texts", name, index, captionOffset);
  const caption = (i: number) => escapeHtml(captions[(captionOffset + i) % captions.length] as string);
  const titled =
    way === "title" || random.chance(0.3) ? html : html.replace("<img ", `<img title="${caption(2)}" `);
  if (way === "neighbour" || random.chance(0.3)) return titled;
  const paragraph = `<p class="caption">${caption(3)}</p>`;
  return titled.endsWith("</div>")
    ? `${titled.slice(0, -"</div>".length)}${paragraph}</div>`
    : `<div class="item">${titled}${paragraph}</div>`;
}

function figureOf(
  seed: number,
  { image, way, captionOffset }: PlacedImage,
  port: number,
  shorten: (url: string) => string,
): string {
  const { captions, width, height, name, index } = demoPicture(seed, image.combination, image.index);
  const caption = (i: number) => escapeHtml(captions[(captionOffset + i) % captions.length] as string);
  const random = seededRandom(seed, "figure", name, index, captionOffset);
  const dull = dullAlt(random.below(9000));
  const url = escapeHtml(shorten(imageUrl(image, port)));
  const thumbnail = smallImage(image, width, port);
  const small = escapeHtml(shorten(thumbnail.url));
  const srcset = `${small} ${thumbnail.width}w, ${url} ${width}w`;
  const id = `c${image.host}-${image.path.replace(/\W/g, "")}`;
  const size = `width="${width}" height="${height}"`;
  switch (way) {
    case "alt":
      return `<div class="item"><img src="${url}" alt="${caption(0)}" ${size}></div>`;
    case "title":
      return `<div class="item"><img src="${url}" alt="" title="${caption(0)}" ${size}></div>`;
    case "figcaption":
      return `<figure><img src="${url}" alt="${dull}"><figcaption>${caption(0)}</figcaption></figure>`;
    case "alt_and_figcaption":
      return `<figure><a href="${url}"><img src="${url}" alt="${caption(0)}"></a><figcaption><p>${caption(1)}</p></figcaption></figure>`;
    case "picture":
      return (
        `<picture><source media="(max-width: 200px)" srcset="${small} ${thumbnail.width}w"><source srcset="${srcset}">` +
        `<img src="${small}" alt="${caption(0)}"></picture>`
      );
    case "srcset":
      return `<p><img src="${small}" srcset="${srcset}" sizes="50vw" alt="${caption(0)}"></p>`;
    case "lazy":
      return (
        `<div class="item"><img class="lazyload" src="${pixel}" data-src="${url}" alt="${caption(0)}">` +
        `<noscript><img src="${url}" alt="${caption(0)}"></noscript></div>`
      );
    case "jsonld":
      return (
        `<div class="item"><img src="${url}" alt="${dull}"></div>` +
        jsonLd(imageUrl(image, port), captions, captionOffset)
      );
    case "linked":
      return `<div class="item"><a href="${url}"><img src="${small}" alt="${dull}"> ${caption(0)}</a></div>`;
    case "neighbour":
      return `<div class="item"><img src="${url}" alt=""><p class="caption">${caption(0)}</p></div>`;
    case "aria_label":
      return `<div class="item"><img src="${url}" role="img" aria-label="${caption(0)}"></div>`;
    case "aria_describedby":
      return `<div class="item"><img src="${url}" alt="${dull}" aria-describedby="${id}"><small id="${id}">${caption(0)}</small></div>`;
    case "file_name":
      return `<div class="item"><img src="${url}" alt="${dull}"></div>`;
  }
}

/** An alt that a camera or a content system wrote. */
function dullAlt(number: number): string {
  const digits = String(number).padStart(4, "0");
  return [`IMG_${digits}.jpg`, `DSC0${digits}.JPG`, "image", `image-${digits}.png`][number % 4] as string;
}

function jsonLd(url: string, captions: readonly string[], offset: number): string {
  const data = {
    "@context": "https://schema.org",
    "@type": "ImageObject",
    contentUrl: url,
    caption: captions[offset % captions.length],
    description: captions[(offset + 1) % captions.length],
    name: captions[(offset + 4) % captions.length],
  };
  return `<script type="application/ld+json">${JSON.stringify(data).replace(/</g, "\\u003c")}</script>`;
}
