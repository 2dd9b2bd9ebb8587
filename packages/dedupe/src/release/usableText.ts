const imageExtension = /\.(jpe?g|jfif|png|gif|webp|avif|svg|bmp|tiff?|heic|ico)$/i;
const url = /^(https?:\/\/|www\.|data:|\/\/)\S*$/i;
/** Names that cameras, phones and screenshot tools give. */
const cameraName =
  /^(img|dsc[fn]?|dcim|pict?|pxl|mvimg|gopr|screen[ _-]?shot|scan|wp|p)[ _-]?[\d _.\-:at]*$/i;
/** The title of a folder's listing, as Apache and nginx give it. */
const folderListing = /^index of \//i;
const hexOrUuid = /^[0-9a-f]{8}[0-9a-f-]{8,}$/i;
/** One token of letters, digits and underscores with at least two digit groups: an identifier. */
const identifier = /^(?=\S*\d\S*[_-]\S*\d|\S*[_-]\S*\d{3})[\w.-]+$/;

/** Texts that say nothing of the picture; compared in lower case without digits and punctuation. */
const boilerplate = new Set(
  `image images photo photos picture pictures pic img graphic graphics illustration figure fig thumbnail thumb thumbnails
  icon icons logo banner avatar spacer blank empty placeholder loading untitled noname  unnamed default preview
  cover header background bg slide slider gallery video play screenshot attachment file media photo credit
  image not available|image not found|no image|no image available|no photo|no picture|not found|coming soon|image may
  be subject to copyright|click to enlarge|click here|click to view|click for larger image|enlarge|enlarge image|zoom|zoom
  in|view larger|view full size|full size|larger image|read more|learn more|more|see more|show more|continue reading|share
  |share this|tweet|pin it|download|print|home|back|next|previous|menu|search|close|open|share on facebook|share on
  twitter|follow us|advertisement|ad|sponsored|featured image|main image|product image|product photo|profile picture
  |profile photo|user avatar|author|gravatar|company logo|site logo|website logo|cookie policy|privacy policy|null
  |undefined|none|n a|alt|alt text|image description|photo description|photo by|image by|image credit|source`
    .split("|")
    .flatMap((part, i) => (i === 0 ? part.split(/\s+/) : [part.replace(/\s+/g, " ").trim()]))
    .filter((part) => part !== "" && part !== "no"),
);

/** CLIP reads 77 tokens; what is longer than a chapter describes no picture. */
const maxCaptionCharacters = 16_384;

/** Whitespace made single, ends trimmed, NFC: how texts are compared and stored as captions. */
export function tidyText(text: string): string {
  return text
    .normalize("NFC")
    .replace(/[\s\u0000-\u001f\u007f\u200b\ufeff]+/gu, " ")
    .trim();
}

/**
 * Whether a (tidied) text may be a caption: not a file name, URL, identifier or number, not one of the phrases that
 * stand on every site, at least `minCharacters` characters long and no longer than a chapter.
 */
export function usableText(text: string, minCharacters: number): boolean {
  if (text.length > maxCaptionCharacters || [...text].length < minCharacters) return false;
  if (url.test(text) || imageExtension.test(text) || cameraName.test(text)) return false;
  if (folderListing.test(text)) return false;
  if (!text.includes(" ") && (hexOrUuid.test(text) || identifier.test(text))) return false;
  const words = text
    .toLowerCase()
    .replace(/[^\p{L}\p{M}]+/gu, " ")
    .trim();
  return words !== "" && !boilerplate.has(words);
}
