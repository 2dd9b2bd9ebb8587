const imageExtension = /\.(jpe?g|jfif|png|webp|avif|gif|bmp|tiff?|svg)$/i;

/** True where a URL's path ends as a picture's file does (and isn't a wiki's page about it). */
export function namesImageFile(url: URL): boolean {
  if (!imageExtension.test(url.pathname)) return false;
  const file = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  return !/^(\p{L}+)(:|%3A)/iu.test(decodeLoosely(file)) && !/\/(wiki|blob)\//.test(url.pathname);
}

function decodeLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
