/** The absolute form of an http(s) URL without its fragment, or null where it is none. */
export function parseHttpUrl(text: string, base: string | null): string | null {
  try {
    const url = base === null ? new URL(text.trim()) : new URL(text.trim(), base);
    if (url.protocol !== "http:" && url.protocol !== "https:") return null;
    url.hash = "";
    return url.href;
  } catch {
    return null;
  }
}
