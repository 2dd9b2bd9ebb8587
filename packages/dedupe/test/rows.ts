import { createHash } from "node:crypto";
import { type Candidate, candidateId, type DescribedText, type SegmentRow } from "@pairloom/config";
import type { SegmentedRow } from "../src/release/picture.js";

export const sha = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Two hashes of different names are about 128 bits apart. */
export const pdqOf = (name: string, flips = 0): string => {
  const bytes = createHash("sha256").update(`pdq ${name}`).digest();
  for (let i = 0; i < flips; i++) bytes[i]! ^= 1;
  return bytes.toString("hex");
};

export interface Wish {
  url: string;
  texts?: DescribedText[] | string;
  pageUrl?: string | null;
  query?: string | null;
  source?: string;
  licence?: string | null;
  language?: string | null;
  reason?: SegmentRow["reason"];
  optOuts?: string[];
  /** What the picture is: its bytes, and its PDQ hash where `pdq` is not given. */
  content?: string;
  pdq?: string | null;
  quality?: number;
  side?: number;
  segment?: string;
}

/** A row as the fetcher writes it: fetched, unless `reason` says otherwise. */
export function row(wish: Wish): SegmentedRow {
  const { url, pageUrl = null, query = null, source = "site", licence = null, language = null } = wish;
  const texts: DescribedText[] =
    typeof wish.texts === "object"
      ? wish.texts
      : [{ kind: "alt", text: wish.texts ?? `the thing at ${url} today` }];
  const candidate: Candidate = {
    imageUrl: url,
    texts,
    pageUrl,
    query,
    source,
    licence,
    language,
    optOuts: wish.optOuts ?? [],
  };
  const id = candidateId(candidate);
  const reason = wish.reason ?? null;
  const fetched = reason === null;
  const content = wish.content ?? url;
  const side = wish.side ?? 100;
  return {
    segment: wish.segment ?? "s0",
    row: {
      candidateId: id,
      imageUrl: url,
      canonicalUrl: url.replace(/\?utm=.*/, ""),
      texts,
      pageUrl,
      query,
      source,
      licence,
      language,
      member: fetched ? `${id}.jpg` : null,
      reason,
      errorMessage: null,
      httpStatus: fetched ? 200 : null,
      finalUrl: fetched ? url : null,
      width: fetched ? 64 : null,
      height: fetched ? 64 : null,
      originalWidth: fetched ? side : null,
      originalHeight: fetched ? side : null,
      originalBytes: fetched ? 1000 : null,
      originalFormat: fetched ? "jpeg" : null,
      exif: null,
      sha256: fetched ? sha(content) : null,
      pdq: fetched ? (wish.pdq === undefined ? pdqOf(content) : wish.pdq) : null,
      pdqQuality: fetched ? (wish.quality ?? 100) : null,
    },
  };
}
