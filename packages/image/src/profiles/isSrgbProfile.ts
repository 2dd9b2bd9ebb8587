import { matrixProfile, type MatrixProfile, type Triple } from "./matrixProfile.js";

/** The last verdicts: most pictures have one of a few profiles, and a verdict takes 0.2 ms. */
const known: { profile: Buffer; isSrgb: boolean }[] = [];
const maxKnown = 16;
const maxBytes = 1 << 16;

/**
 * Whether an ICC profile means sRGB, whatever it calls itself, so that its picture's values may be taken as they are.
 * Never throws.
 */
export function isSrgbProfile(profile: Buffer): boolean {
  if (profile.length > maxBytes) return false;
  const before = known.find((one) => one.profile.equals(profile));
  if (before !== undefined) return before.isSrgb;
  const read = matrixProfile(profile);
  const isSrgb = read !== null && isNearSrgb(read);
  known.unshift({ profile: Buffer.from(profile), isSrgb });
  known.splice(maxKnown);
  return isSrgb;
}

/**
 * Steps of 255 that a colour may move on its way to sRGB, at most and in the mean. What is called sRGB out there stays
 * below 1.8 and 0.07, what is meant to be another space is above 4.7.
 */
const [maxStep, maxMeanStep] = [2.5, 0.25];

/** CIE XYZ (D50) to linear sRGB, by the primaries of the profile that libvips turns colours into. */
const xyzToRgb: readonly [Triple, Triple, Triple] = [
  [3.133915, -1.616938, -0.490713],
  [-0.978448, 1.915881, 0.033387],
  [0.072025, -0.229029, 1.405716],
];

/** IEC 61966-2-1; light beyond full and none is cut off. */
const encoded = (light: number): number =>
  light <= 0.0031308 ? 12.92 * Math.max(0, light) : 1.055 * Math.min(1, light) ** (1 / 2.4) - 0.055;

function isNearSrgb({ curves, primaries }: MatrixProfile): boolean {
  const light = curves.map((curve) => Float64Array.from({ length: 256 }, (_, value) => curve(value / 255)));
  // How much of each of the profile's channels is in each of sRGB's.
  const shares = xyzToRgb.map(([x, y, z]) => primaries.map(([px, py, pz]) => x * px + y * py + z * pz));
  let [sum, count] = [0, 0];
  for (const colour of colours()) {
    for (const [channel, [r, g, b]] of shares.entries()) {
      const mixed = r! * light[0]![colour[0]]! + g! * light[1]![colour[1]]! + b! * light[2]![colour[2]]!;
      const step = Math.abs(255 * encoded(mixed) - colour[channel]!);
      // Broken curves may give NaN, which is not near either.
      if (!(step <= maxStep)) return false;
      sum += step;
      count++;
    }
  }
  return sum / count <= maxMeanStep;
}

/** All greys, and colours of the whole cube: errors show most in a dark channel beside bright ones. */
function* colours(): Generator<Triple> {
  for (let grey = 0; grey <= 255; grey++) yield [grey, grey, grey];
  for (let r = 0; r <= 255; r += 51)
    for (let g = 0; g <= 255; g += 51) for (let b = 0; b <= 255; b += 51) yield [r, g, b];
}
