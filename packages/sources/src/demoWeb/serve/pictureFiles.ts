import sharp from "sharp";
import { demoPicture, type DemoFormat } from "../pictures/demoPicture.js";
import { renderDemoPicture } from "../pictures/renderDemoPicture.js";
import { combinationName } from "../pictures/vocabulary.js";
import type { PlannedImage } from "../plan/demoPlan.js";

export interface PictureFile {
  bytes: Buffer;
  contentType: string;
}

const contentTypes: Record<DemoFormat, string> = {
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  avif: "image/avif",
};

/** Renders image files when first asked for; remembers the last `limit` of them. */
export class PictureFiles {
  readonly #seed: number;
  readonly #limit: number;
  readonly #recent = new Map<string, Promise<PictureFile>>();
  /** Files rendered so far. */
  rendered = 0;

  constructor(seed: number, limit = 256) {
    this.#seed = seed;
    this.#limit = limit;
  }

  /** The file of a planned image, or its rendering `width` pixels wide. */
  file(image: PlannedImage, width: number | null): Promise<PictureFile> {
    if (image.fate === "placeholder") return this.#remembered("placeholder", renderPlaceholder);
    const picture = demoPicture(this.#seed, image.combination, image.index);
    let format = picture.format;
    let [pixels, quality] = [picture.width, 88];
    if (image.fate === "double_reencoded") {
      [format, quality] = [picture.format === "jpg" ? "webp" : "jpg", 74];
    }
    // a cut JPEG is told by its bytes; other formats would break in ways of their own
    if (image.fate === "truncated") format = "jpg";
    if (image.fate === "double_resized") pixels = Math.round(picture.width * 0.8);
    if (width !== null && width < pixels) pixels = width;
    const key = `${combinationName(image.combination)} ${image.index} ${format} ${pixels} ${quality}`;
    return this.#remembered(key, async () => ({
      bytes: await renderDemoPicture(picture, { format, width: pixels, quality }),
      contentType: contentTypes[format],
    }));
  }

  /** A small picture of the page's frame: logo, icons; a 1 × 1 GIF for the counting pixel. */
  chrome(name: string): Promise<PictureFile> {
    if (name === "count.gif")
      return Promise.resolve({
        bytes: Buffer.from("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==", "base64"),
        contentType: "image/gif",
      });
    const side = name === "logo.png" ? 32 : 16;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}"><path d="M2 ${side / 2}L${side / 2} 2L${side - 2} ${side - 2}Z" fill="#556"/></svg>`;
    return this.#remembered(`chrome ${side}`, async () => ({
      bytes: await sharp(Buffer.from(svg)).png().toBuffer(),
      contentType: "image/png",
    }));
  }

  #remembered(key: string, render: () => Promise<PictureFile>): Promise<PictureFile> {
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    this.rendered++;
    const file = render();
    this.#recent.set(key, file);
    if (this.#recent.size > this.#limit) this.#recent.delete(this.#recent.keys().next().value as string);
    return file;
  }
}

/** "Image not available", as sites show it in place of what they lost. */
async function renderPlaceholder(): Promise<PictureFile> {
  const bars = [40, 62, 84].map(
    (y, i) => `<path fill="#8b8b8b" d="M40 ${y + 30}h${120 - i * 22}v10h-${120 - i * 22}z"/>`,
  );
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="160"><path fill="#d9d9d9" d="M0 0h200v160H0z"/>` +
    `<path fill="none" stroke="#9a9a9a" stroke-width="6" d="M20 20h160v120H20z"/><path fill="#b4b4b4" d="M130 30l30 20-40 8z"/>${bars.join("")}</svg>`;
  return { bytes: await sharp(Buffer.from(svg)).jpeg({ quality: 90 }).toBuffer(), contentType: "image/jpeg" };
}
