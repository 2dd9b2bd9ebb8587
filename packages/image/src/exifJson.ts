/** JSON of the EXIF tags. */
export function exifJson(_exif: Buffer): string | null {
  return null;
}
