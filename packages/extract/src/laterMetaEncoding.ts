import { Tokenizer } from "htmlparser2";
import { declaredEncoding, labelInContent } from "./prescanEncoding.js";

/**
 * The encoding that the first meta element with a known one names, wherever it stands, or null: a browser that meets it
 * decodes the page anew (WHATWG HTML §13.2.3.4). Unlike the prescan this tells scripts, styles and comments from markup.
 */
export function laterMetaEncoding(bytes: Uint8Array): string | null {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  if (!/charset/i.test(text)) return null;
  let isMeta = false;
  let name = "";
  let value = "";
  let attributes = new Map<string, string>();
  let found: string | null = null;
  const nothing = (): void => undefined;
  const atEnd = (): void => {
    if (isMeta) found ??= encodingOf(attributes);
    // What was asked for is known; the rest is not looked at.
    if (found !== null) tokenizer.pause();
  };
  const tokenizer = new Tokenizer(
    { xmlMode: false, decodeEntities: false },
    {
      onopentagname(start, end) {
        isMeta = end - start === 4 && text.slice(start, end).toLowerCase() === "meta";
        attributes = new Map();
      },
      onattribname(start, end) {
        if (isMeta) name = text.slice(start, end).toLowerCase();
        value = "";
      },
      onattribdata(start, end) {
        if (isMeta) value += text.slice(start, end);
      },
      onattribend() {
        if (isMeta && !attributes.has(name)) attributes.set(name, value);
      },
      onopentagend: atEnd,
      onselfclosingtag: atEnd,
      onattribentity: nothing,
      oncdata: nothing,
      onclosetag: nothing,
      oncomment: nothing,
      ondeclaration: nothing,
      onend: nothing,
      onprocessinginstruction: nothing,
      ontext: nothing,
      ontextentity: nothing,
    },
  );
  tokenizer.write(text);
  return found;
}

function encodingOf(meta: ReadonlyMap<string, string>): string | null {
  const named = declaredEncoding(meta.get("charset") ?? null);
  if (named !== null || meta.get("http-equiv")?.toLowerCase() !== "content-type") return named;
  return declaredEncoding(labelInContent(meta.get("content") ?? ""));
}
