import sharp from "sharp";

/** Loaders that `processImage` may use: JPEG, PNG, WebP, GIF and AVIF from memory, and raw pixels between two steps. */
const allowedLoaders = [
  "VipsForeignLoadJpegBuffer",
  "VipsForeignLoadPngBuffer",
  "VipsForeignLoadWebpBuffer",
  "VipsForeignLoadNsgifBuffer",
  "VipsForeignLoadHeifBuffer",
];

export interface SharpSetup {
  /** libvips threads per picture; one is best where many pictures are in hand at once. */
  threads?: number;
  /** Also allow TIFF. */
  tiff?: boolean;
}

/**
 * Prepares sharp for pictures from strangers: every loader off, then those above on; no cache.
 * For the composition root, once per process; nothing happens at import.
 */
export function setupSharp(setup: SharpSetup = {}): void {
  sharp.concurrency(setup.threads ?? 1);
  sharp.cache(false);
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: setup.tiff ? [...allowedLoaders, "VipsForeignLoadTiffBuffer"] : allowedLoaders,
  });
}
