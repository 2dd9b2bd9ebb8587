export type Triple = readonly [number, number, number];
/** Linear light of a channel's value; both are 0 to 1 where the profile is sound. */
type Curve = (value: number) => number;

/** How a screen's RGB becomes CIE XYZ as seen in D50's light: a curve a channel, then a matrix (ICC.1:2022, F.3). */
export interface MatrixProfile {
  /** Of red, green and blue. */
  curves: readonly [Curve, Curve, Curve];
  /** XYZ of full red, green and blue. */
  primaries: readonly [Triple, Triple, Triple];
}

/** What lcms reads of tags at most. */
const maxTags = 100;

/**
 * Reads an ICC profile of the plainest kind: a screen's, of versions 2 or 4, with curves and a matrix and no tables of
 * colours, which would go before. Null for all others, for curves that are mere powers and where anything is broken;
 * never throws.
 */
export function matrixProfile(profile: Buffer): MatrixProfile | null {
  // Header: ICC.1:2022, 7.2.
  if (profile.length < 132 || profile.readUInt32BE(0) > profile.length) return null;
  const version = profile[8];
  if ((version !== 2 && version !== 4) || text(profile, 12, 24) !== "mntrRGB XYZ ") return null;
  if (text(profile, 36, 40) !== "acsp") return null;
  const tags = tagsOf(profile);
  if (tags === null || [...tags.keys()].some((name) => /^[AB]2[AB]|^D2B|^B2D/.test(name))) return null;
  const [red, green, blue] = ["rTRC", "gTRC", "bTRC"].map((name) => curveOf(tags.get(name)));
  const [redXyz, greenXyz, blueXyz] = ["rXYZ", "gXYZ", "bXYZ"].map((name) => xyzOf(tags.get(name)));
  if (!red || !green || !blue || !redXyz || !greenXyz || !blueXyz) return null;
  return { curves: [red, green, blue], primaries: [redXyz, greenXyz, blueXyz] };
}

/** ICC.1:2022, 7.3; null where a tag reaches out of the profile or comes twice. */
function tagsOf(profile: Buffer): Map<string, Buffer> | null {
  const count = profile.readUInt32BE(128);
  if (count > maxTags || 132 + 12 * count > profile.length) return null;
  const tags = new Map<string, Buffer>();
  for (let entry = 132; entry < 132 + 12 * count; entry += 12) {
    const name = text(profile, entry, entry + 4);
    const begin = profile.readUInt32BE(entry + 4);
    const end = begin + profile.readUInt32BE(entry + 8);
    if (end > profile.length || tags.has(name)) return null;
    tags.set(name, profile.subarray(begin, end));
  }
  return tags;
}

/** ICC.1:2022, 10.31. */
function xyzOf(tag: Buffer | undefined): Triple | null {
  if (tag === undefined || tag.length < 20 || text(tag, 0, 4) !== "XYZ ") return null;
  return [fixed(tag, 8), fixed(tag, 12), fixed(tag, 16)];
}

function curveOf(tag: Buffer | undefined): Curve | null {
  if (tag === undefined || tag.length < 12) return null;
  const type = text(tag, 0, 4);
  if (type === "curv") return tabulated(tag);
  return type === "para" ? parametric(tag) : null;
}

/** ICC.1:2022, 10.6. */
function tabulated(tag: Buffer): Curve | null {
  const count = tag.readUInt32BE(8);
  if (count < 2 || 12 + 2 * count > tag.length) return null;
  return (value) => {
    const at = value * (count - 1);
    const low = Math.min(Math.floor(at), count - 2);
    const [before, after] = [tag.readUInt16BE(12 + 2 * low), tag.readUInt16BE(14 + 2 * low)];
    return (before + (at - low) * (after - before)) / 65535;
  };
}

/** Those with a straight piece at the dark end: ICC.1:2022, 10.18, functions 3 and 4. */
function parametric(tag: Buffer): Curve | null {
  const parameters = { 3: 5, 4: 7 }[tag.readUInt16BE(8)];
  if (parameters === undefined || tag.length < 12 + 4 * parameters) return null;
  const values = Array.from({ length: parameters }, (_, i) => fixed(tag, 12 + 4 * i));
  const [g, a, b, c, d, e = 0, f = 0] = values as [number, number, number, number, number];
  return (value) => (value >= d ? (a * value + b) ** g + e : c * value + f);
}

const text = (bytes: Buffer, begin: number, end: number): string => bytes.toString("latin1", begin, end);
/** s15Fixed16Number. */
const fixed = (bytes: Buffer, at: number): number => bytes.readInt32BE(at) / 65536;
