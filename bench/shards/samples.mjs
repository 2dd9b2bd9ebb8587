// Samples as a release holds them: a picture, a caption and a record, 20 kB together. The same bytes each time.
import { createHash } from "node:crypto";

const words =
  "red blue small old wooden river mountain bicycle station market light winter garden window".split(" ");

/** A pool of bytes that no compressor shrinks, from which pictures are cut. */
const pool = Buffer.concat(
  Array.from({ length: 4096 }, (_, i) => createHash("sha512").update(`pool ${i}`).digest()),
);

export const pictureBytes = 19_200;

/** The members of sample `i`: [name, bytes] of KEY.jpg, KEY.txt and KEY.json. */
export function sampleMembers(i) {
  const key = String(Math.floor(i / 10_000)).padStart(5, "0") + String(i % 10_000).padStart(4, "0");
  const at = (i * 7919) % (pool.length - pictureBytes);
  const picture = pool.subarray(at, at + pictureBytes);
  const caption = Array.from({ length: 9 }, (_, n) => words[(i * 31 + n * 7 + (i >> n)) % words.length]).join(
    " ",
  );
  const record = {
    url: `http://host${i % 97}.example/pictures/${i}.jpg`,
    caption,
    key,
    status: "success",
    error_message: null,
    width: 256,
    height: 192,
    original_width: 1024,
    original_height: 768,
    exif: "{}",
    sha256: createHash("sha256").update(key).digest("hex"),
    pdq: createHash("sha256").update(`pdq ${key}`).digest("hex"),
    texts: [
      { kind: "alt", text: caption },
      { kind: "caption", text: `${caption}, seen from the ${words[i % words.length]}` },
    ],
    urls: [`http://host${i % 97}.example/pictures/${i}.jpg`],
    pages: [`http://host${i % 97}.example/page${i >> 3}.html`],
    queries: [words[i % words.length], words[(i + 3) % words.length]],
    sources: ["search"],
    licence: i % 3 === 0 ? "CC-BY-4.0" : null,
    language: "en",
  };
  return [
    [`${key}.jpg`, picture],
    [`${key}.txt`, Buffer.from(caption)],
    [`${key}.json`, Buffer.from(JSON.stringify(record))],
  ];
}
