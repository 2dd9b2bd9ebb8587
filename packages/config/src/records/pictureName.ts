/** Endings of pictures' names, the commonest first. */
export const pictureExtensions = ["jpg", "jpeg", "png", "webp", "gif", "avif", "tif", "tiff"] as const;

/** Names that are a picture's by their ending. */
export const pictureName = new RegExp(`\\.(?:${pictureExtensions.join("|")})$`, "i");
