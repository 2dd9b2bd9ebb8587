import type { Buffer } from "node:buffer";

/** What a file is that is named .tar and is none. */
export interface ForeignForm {
  says: string;
  /** What to do about it. */
  hint: string;
}

/** Here a header has its first NUL at the latest. */
const nameEnd = 107;

const again = "Fetch it again, and look at what the server answers.";

const unpack = (program: string): string =>
  `Unpack it: mv X.tar X.packed && ${program} < X.packed > X.tar (for each such file).`;

/** By first bytes, latin1. */
const forms: readonly [begins: RegExp, says: string, hint: string][] = [
  [/^\x1f\x8b/, "compressed with gzip", unpack("gunzip")],
  [/^(?:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)/, "compressed with zstd", unpack("zstd -d")],
  [/^\xfd7zXZ\0/, "compressed with xz", unpack("xz -d")],
  [/^BZh[1-9]/, "compressed with bzip2", unpack("bzip2 -d")],
  [/^\x04\x22\x4d\x18/, "compressed with lz4", unpack("lz4 -d")],
  [/^PK(?:\x03\x04|\x05\x06|\x07\x08)/, "a zip archive", "Unpack it, and make a tar of what was in it."],
  [/^7z\xbc\xaf\x27\x1c/, "a 7z archive", "Unpack it, and make a tar of what was in it."],
  [/^PAR1/, "a parquet file", "Name the folder that holds the tars."],
  [/^version https:\/\/git-lfs/, "a Git LFS pointer, not the file", "Fetch the file itself: git lfs pull."],
  [
    /^(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|\?xml|!--)/i,
    "an HTML or XML page, as servers answer with an error",
    again,
  ],
  [/^(?:\xef\xbb\xbf)?\s*[[{]\s*["}\]{[]/, "JSON, as servers answer with an error", again],
];

/**
 * What a file is by its first bytes (512, or all of a shorter one), of which none is a tar's header; null where they tell
 * nothing.
 */
export function foreignForm(first: Buffer): ForeignForm | null {
  const text = first.toString("latin1", 0, 512);
  for (const [begins, says, hint] of forms)
    if (begins.test(text)) return { says: `it is no tar but ${says}`, hint };
  // a tar that is cut within its first name is such a text, too, but has no line's end
  const isText = first.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d));
  if (isText && (first.length > nameEnd || first.includes(0x0a)))
    return { says: "it is no tar but a text", hint: again };
  return null;
}
