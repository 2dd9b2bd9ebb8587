import type { PlannedImage } from "./demoPlan.js";

/** "http://127.0.0.7:4567". */
export function hostOrigin(host: number, port: number): string {
  return `http://127.0.0.${host}:${port}`;
}

/** Where pages say that the image is. A few name addresses that nobody should ask. */
export function imageUrl(image: PlannedImage, port: number): string {
  switch (image.fate) {
    case "literal_private":
      return `http://${image.index % 2 === 0 ? "10.0.0.1" : "169.254.169.254"}${image.path}`;
    case "literal_port":
      return `http://10.0.0.1:22${image.path}`;
    default:
      return hostOrigin(image.host, port) + image.path;
  }
}

/** A smaller rendering of an image of this width, as thumbnails and srcset lists name it. */
export function smallImage(
  image: PlannedImage,
  fullWidth: number,
  port: number,
): { url: string; width: number } {
  const width = fullWidth > 112 ? 96 : 64;
  return { url: `${imageUrl(image, port)}?w=${width}`, width };
}
