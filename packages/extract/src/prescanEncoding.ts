import { encodingNamed } from "./encodingNamed.js";

/** How much is looked at before anything is decoded. */
const prescanBytes = 1024;

/**
 * The encoding that a page's first bytes name (WHATWG HTML §13.2.3.2, prescan), in lower case, or null: a meta element
 * with charset, or with content and http-equiv=content-type; else an XML declaration. Scripts are not told from markup.
 */
export function prescanEncoding(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, prescanBytes)).toString(
    "latin1",
  );
  if (head.startsWith("<\0?\0x\0")) return "utf-16le";
  if (head.startsWith("\0<\0?\0x")) return "utf-16be";
  return metaEncoding(head) ?? xmlEncoding(head);
}

/** What a declaration that could be read as ASCII stands for: it is not in UTF-16, whatever it says. */
export function declaredEncoding(label: string | null): string | null {
  const encoding = label === null ? null : encodingNamed(label);
  if (encoding === "utf-16le" || encoding === "utf-16be") return "utf-8";
  return encoding === "x-user-defined" ? "windows-1252" : encoding;
}

/** The label in a content attribute like "text/html; charset=…", or null. */
export function labelInContent(content: string): string | null {
  const found = /charset[\t\n\f\r ]*=[\t\n\f\r ]*/i.exec(content);
  if (found === null) return null;
  const rest = content.slice(found.index + found[0].length);
  const quote = rest[0];
  if (quote !== '"' && quote !== "'") return /^[^\t\n\f\r ;]+/.exec(rest)?.[0] ?? null;
  const end = rest.indexOf(quote, 1);
  return end < 0 ? null : rest.slice(1, end);
}

function metaEncoding(head: string): string | null {
  let at = head.indexOf("<");
  while (at >= 0) {
    if (head.startsWith("<!--", at)) {
      // The dashes of the beginning may be those of the end.
      const end = head.indexOf("-->", at + 2);
      if (end < 0) return null;
      at = end + 3;
    } else if (matchAt(/<meta[\t\n\f\r /]/iy, head, at) !== null) {
      const attributes = new AttributeReader(head, at + 5);
      const meta = new Map<string, string>();
      for (let one = attributes.next(); one !== null; one = attributes.next()) {
        if (!meta.has(one.name)) meta.set(one.name, one.value);
      }
      if (attributes.isCut) return null;
      const encoding = declaredEncoding(labelOf(meta));
      if (encoding !== null) return encoding;
      at = attributes.at;
    } else if (matchAt(/<\/?[a-z]/iy, head, at) !== null) {
      const name = matchAt(/[^\t\n\f\r >]*/y, head, at) ?? "";
      const attributes = new AttributeReader(head, at + name.length);
      while (attributes.next() !== null);
      if (attributes.isCut) return null;
      at = attributes.at;
    } else if (matchAt(/<[!/?]/y, head, at) !== null) {
      at = head.indexOf(">", at);
      if (at < 0) return null;
    } else at++;
    at = head.indexOf("<", at);
  }
  return null;
}

function labelOf(meta: ReadonlyMap<string, string>): string | null {
  const charset = meta.get("charset");
  if (charset !== undefined) return charset;
  return meta.get("http-equiv") === "content-type" ? labelInContent(meta.get("content") ?? "") : null;
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** Reads a tag's attributes, names and values in lower case, until its end. */
class AttributeReader {
  /** The text ended before the tag did. */
  isCut = false;

  constructor(
    private readonly text: string,
    public at: number,
  ) {}

  next(): { name: string; value: string } | null {
    this.#take(/[\t\n\f\r /]*/y);
    if (this.text[this.at] === ">") return null;
    const name = this.#take(/=?[^\t\n\f\r />=]*/y).toLowerCase();
    this.#take(/[\t\n\f\r ]*/y);
    let value = "";
    if (this.text[this.at] === "=") {
      this.at++;
      this.#take(/[\t\n\f\r ]*/y);
      const quote = this.text[this.at];
      if (quote === '"' || quote === "'") {
        const end = this.text.indexOf(quote, this.at + 1);
        value = this.text.slice(this.at + 1, end);
        this.at = end < 0 ? this.text.length : end + 1;
      } else value = this.#take(/[^\t\n\f\r >]*/y);
    }
    if (this.at < this.text.length) return { name, value: value.toLowerCase() };
    this.isCut = true;
    return null;
  }

  #take(pattern: RegExp): string {
    const taken = matchAt(pattern, this.text, this.at) ?? "";
    this.at += taken.length;
    return taken;
  }
}

/** The encoding of `<?xml … encoding="…"?>` at the very start, or null. */
function xmlEncoding(head: string): string | null {
  const declaration = /^<\?xml[^>]*>/.exec(head)?.[0] ?? "";
  // White space is anything up to a blank; within the quotes there is none.
  const [, , label] = /encoding[\0-\x20]*=[\0-\x20]*(["'])([^\0-\x20"']*)\1/.exec(declaration) ?? [];
  return declaredEncoding(label ?? null);
}
