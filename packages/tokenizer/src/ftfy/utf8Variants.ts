const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 from bytes held one in each UTF-16 unit; null if they are not UTF-8. */
export function decodeUtf8(bytes: string): string | null {
  try {
    return strict.decode(Buffer.from(bytes, "latin1"));
  } catch {
    return null;
  }
}

/**
 * As `decodeUtf8`, but also reads surrogates encoded one by one (CESU-8) and Java's two-byte zero.
 */
export function decodeUtf8Variants(bytes: string): string | null {
  const standard = bytes.replace(
    /\xc0\x80|\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]/g,
    (found) => {
      if (found.length === 2) return "\0";
      const unit = (index: number): number => found.charCodeAt(index);
      const high = ((unit(1) & 0x0f) << 6) | (unit(2) & 0x3f);
      const low = ((unit(4) & 0x0f) << 6) | (unit(5) & 0x3f);
      return Buffer.from(String.fromCodePoint(0x10000 + (high << 10) + low), "utf8").toString("latin1");
    },
  );
  return decodeUtf8(standard);
}
