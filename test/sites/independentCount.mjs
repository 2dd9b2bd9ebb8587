// An independent count of the images that a folder of HTML files shows with a text: by regular expressions over the
// files, sharing no code with packages/extract. Usage: node independentCount.mjs FOLDER BASE_URL
// Prints {pages, imageTags, withText: [{page, image}]}: image URLs that stand with an alt or title text of their own.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const entities = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };
const decode = (text) =>
  text.replace(/&(#x[0-9a-f]+|#\d+|\w+);/gi, (whole, name) => {
    if (name[0] === "#") {
      const code = name[1].toLowerCase() === "x" ? parseInt(name.slice(2), 16) : Number(name.slice(1));
      return String.fromCodePoint(code);
    }
    return entities[name.toLowerCase()] ?? whole;
  });

function attribute(tag, name) {
  const found = new RegExp(`\\s${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, "i").exec(tag);
  return found === null
    ? null
    : decode(found[1] ?? found[2] ?? found[3] ?? "")
        .replace(/\s+/g, " ")
        .trim();
}

/** Every image of one page with an alt or title text, as absolute URLs. */
export function imagesWithText(html, pageUrl) {
  const bare = html.replace(/<!--[\s\S]*?-->/g, "").replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, "");
  const base = attribute(/<base\b[^>]*>/i.exec(bare)?.[0] ?? "", "href");
  const root = base ? new URL(base, pageUrl).href : pageUrl;
  const tags = bare.match(/<img\b(?:"[^"]*"|'[^']*'|[^>"'])*>/gi) ?? [];
  const found = new Set();
  for (const tag of tags) {
    const source = attribute(tag, "src");
    const text = attribute(tag, "alt") || attribute(tag, "title");
    if (!source || !text || source.startsWith("data:")) continue;
    const url = new URL(source, root);
    url.hash = "";
    found.add(url.href);
  }
  return { tags: tags.length, images: [...found] };
}

/** Counts a whole folder served at `baseUrl`. */
export function countFolder(folder, baseUrl) {
  const count = { pages: 0, imageTags: 0, withText: [] };
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.html?$/i.test(entry.name)) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const page = new URL(relative(folder, path).split("/").map(encodeURIComponent).join("/"), baseUrl).href;
    const { tags, images } = imagesWithText(readFileSync(path, "utf8"), page);
    count.pages++;
    count.imageTags += tags;
    for (const image of images) count.withText.push({ page, image });
  }
  return count;
}

if (process.argv[1] === import.meta.filename) {
  const [folder, baseUrl] = process.argv.slice(2);
  console.log(JSON.stringify(countFolder(folder, baseUrl)));
}
