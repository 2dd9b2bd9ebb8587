import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHtml, extractCandidates } from "../src/index.js";

const folder = join(import.meta.dirname, "fixtures", "charsets");
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const bytes = (...parts: (string | number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? latin1(part) : Buffer.from(part))));
const square = Buffer.from([0xca, 0xf0, 0xe0, 0xf1, 0xed, 0xe0, 0xff]); // "Красная" in windows-1251
const imageOf = (html: Uint8Array): { alt: string | undefined; encoding: string } => {
  const { candidates, encoding } = extractCandidates({ html, url: "http://x.test/", source: "s" });
  return { alt: candidates[0]?.texts.find(({ kind }) => kind === "alt")?.text, encoding };
};

describe("pages as they come", () => {
  const expected: Record<string, [encoding: string, alt: string]> = {
    "big5": ["big5", "紅色的船"],
    "entities": ["utf-8", "Café “Zoë” &amp; €5"],
    "eucjp": ["euc-jp", "赤い船"],
    "euckr": ["euc-kr", "빨간 배"],
    "gb2312": ["gbk", "红色的船"],
    "iso2022jp": ["iso-2022-jp", "赤い船"],
    "koi8": ["koi8-r", "Красная площадь"],
    "latin1-c1": ["windows-1252", "Café “Zoë” – €6"],
    "mac": ["macintosh", "Café"],
    "meta-1251": ["windows-1251", "Красная площадь"],
    "meta-after-description": ["utf-8", "Café Zoë"],
    "mixed": ["utf-8", "Café"],
    "no-meta-1252": ["windows-1252", "Café “Zoë” – £5 €6"],
    "script-charset": ["utf-8", "Café Zoë"],
    // The prescan doesn't tell scripts from markup.
    "script-first": ["gbk", "Caf茅 Zo毛"],
    "sjis": ["shift_jis", "赤い船"],
    "tis620": ["windows-874", "เรือสีแดง"],
    "unknown-88509": ["utf-8", "Café Zoë"],
    "unknown-visual": ["iso-8859-8", "שלום"],
    // A meta element can't mean x-user-defined.
    "userdef": ["windows-1252", "CafÃ©"],
    "utf16-bom": ["utf-16le", "Café Zoë"],
    "utf16-nobom": ["utf-16le", "Café Zoë"],
    "xml-decl": ["windows-1251", "Красная площадь"],
  }; // prettier-ignore
  it("are all spoken of", () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".html"));
    expect(names.map((name) => name.slice(0, -5)).sort()).toEqual(Object.keys(expected).sort());
  });
  it.each(Object.entries(expected))("%s", (name, [encoding, alt]) => {
    expect(imageOf(readFileSync(join(folder, `${name}.html`)))).toEqual({ alt, encoding });
  });
  it.each([
    ["behind a long comment", `<!--${"x".repeat(3000)}-->`],
    ["behind a long style", `<style>${"x".repeat(6000)}</style>`],
    ["behind what looks like one in a script", `<script>${"x".repeat(2000)}'<meta charset=gbk>'</script>`],
    ["behind one in a comment", `${" ".repeat(2000)}<!-- <meta charset=gbk> -->`],
    ["behind one whose label nobody knows", `${" ".repeat(2000)}<meta charset=x-none>`],
    ["behind one that is no content-type", `${" ".repeat(2000)}<meta name=x content="charset=gbk">`],
    ["in the body", `<title>x</title><body>${"<p>text</p>".repeat(300)}`],
  ])("a meta element %s changes the encoding", (_name, before) => {
    for (const meta of [
      '<meta charset="windows-1251">',
      "<META CharSet=WINDOWS-1251 />",
      '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">',
    ]) {
      const page = bytes("<html><head>", before, meta, "<img src=a.jpg alt='");
      expect(imageOf(Buffer.concat([page, square, latin1("'>")]))).toEqual({
        alt: "Красная",
        encoding: "windows-1251",
      });
    }
  });
});

describe("the order in which encodings count", () => {
  const utf8Meta = '<meta charset="utf-8">';
  it.each<[string, Buffer, string | null, string]>([
    ["a mark outranks the transport", bytes([0xef, 0xbb, 0xbf], "x"), "windows-1251", "utf-8"],
    ["UTF-16's mark too", bytes([0xfe, 0xff, 0, 0x78]), "utf-8", "utf-16be"],
    ["the transport outranks meta", bytes(utf8Meta), "Windows-1251", "windows-1251"],
    ["the transport's label may have blanks around it", bytes(utf8Meta), " gb2312 ", "gbk"],
    ["a label of the transport that nobody knows is passed over", bytes(utf8Meta), "x-none", "utf-8"],
    ["and an empty one", bytes("<meta charset=koi8-r>"), "", "koi8-r"],
    ["the transport may say UTF-16", bytes("x\0"), "utf-16", "utf-16le"],
    ["meta outranks the XML declaration", bytes('<?xml encoding="koi8-r"?><meta charset=gbk>'), null, "gbk"],
    ["the XML declaration outranks a later meta", bytes(`<?xml encoding='koi8-r'?>${" ".repeat(2000)}<meta charset=gbk>`), null, "koi8-r"],
    ["the first meta counts", bytes("<meta charset=koi8-r><meta charset=gbk>"), null, "koi8-r"],
    ["the first whose label is known", bytes("<meta charset=none><meta charset=gbk>"), null, "gbk"],
    ["nothing said and ASCII", bytes("x"), null, "utf-8"],
    ["nothing said and no UTF-8", bytes("caf\xe9 x"), null, "windows-1252"],
    ["nothing at all", bytes(""), null, "utf-8"],
  ])("%s", (_name, page, charset, encoding) => {
    expect(decodeHtml(page, charset).encoding).toBe(encoding);
  }); // prettier-ignore
});

describe("the prescan", () => {
  it.each<[string, string, string | null]>([
    ["charset in quotes", '<meta charset="koi8-r">', "koi8-r"],
    ["in single quotes, with blanks", "<META  CHARSET = ' KOI8-R ' >", "koi8-r"],
    ["bare", "<meta charset=koi8-r>", "koi8-r"],
    ["behind a slash", "<meta/charset=koi8-r>", "koi8-r"],
    ["bare with a slash, which is part of it", "<meta charset=koi8-r/>", null],
    ["http-equiv", '<meta http-equiv=content-type content="text/html;charset=koi8-r">', "koi8-r"],
    ["http-equiv behind content", "<meta content='x; charset = koi8-r; y' http-equiv='Content-Type'>", "koi8-r"],
    ["quotes in content", `<meta http-equiv=content-type content='charset="koi8-r"'>`, "koi8-r"],
    ["a quote in content without an end", `<meta http-equiv=content-type content='charset="koi8-r'>`, null],
    ["charset twice in content", '<meta http-equiv=content-type content="charset charset=koi8-r">', "koi8-r"],
    ["charset at content's end", '<meta http-equiv=content-type content="charset">', null],
    ["content without http-equiv", '<meta content="text/html; charset=koi8-r">', null],
    ["another http-equiv", '<meta http-equiv=refresh content="0; charset=koi8-r">', null],
    ["a name instead", '<meta name="content-type" content="charset=koi8-r">', null],
    ["charset outranks content", "<meta http-equiv=content-type content='charset=gbk' charset=koi8-r>", "koi8-r"],
    ["an attribute given twice", "<meta charset=koi8-r charset=gbk>", "koi8-r"],
    ["UTF-16 means UTF-8", "<meta charset=utf-16be>", "utf-8"],
    ["UTF-16 in XML too", "<?xml version='1.0' encoding='utf-16'?>", "utf-8"],
    ["x-user-defined means windows-1252", "<meta charset=x-user-defined>", "windows-1252"],
    ["another element's charset", "<script charset=koi8-r></script><a charset=koi8-r><metadata charset=koi8-r>", null],
    ["meta within an attribute", `<a title="<meta charset=koi8-r>">`, null],
    ["meta within a closing tag", `</a title="<meta charset=koi8-r>">`, null],
    ["meta within a declaration", "<!DOCTYPE x <meta charset=koi8-r>", null],
    ["meta within a comment", "<!-- > <meta charset=koi8-r> -->", null],
    ["meta behind the shortest comment", "<!--><meta charset=koi8-r>", "koi8-r"],
    ["meta behind a comment without an end", "<!-- <meta charset=koi8-r>", null],
    ["meta that is cut off", "<meta charset=koi8-r", null],
    ["a lone sign", "< <meta charset=koi8-r>", "koi8-r"],
    ["XML with blanks", '<?xml version="1.0" encoding = "koi8-r" standalone="yes"?>', "koi8-r"],
    ["XML behind a blank", ' <?xml encoding="koi8-r"?>', null],
    ["XML without an end", '<?xml encoding="koi8-r"', null],
    ["XML with a blank in the label", '<?xml encoding=" koi8-r"?>', null],
  ])("%s", (_name, head, expected) => {
    // Behind 1,024 bytes that end in no tag nothing is found any more.
    const page = bytes(head, " \xe9 ");
    const whole = page.length < 1024 ? Buffer.concat([page, latin1(" ".repeat(1024))]) : page;
    expect(decodeHtml(whole, null).encoding).toBe(expected ?? "windows-1252");
  }); // prettier-ignore
  it("sees 1,024 bytes", () => {
    const meta = "<meta charset=koi8-r>";
    // In a script, where only the prescan takes it for markup.
    const at = (place: number): Buffer =>
      bytes("<script>".padEnd(place - meta.length), meta, "</script>\xe9 ");
    expect(decodeHtml(at(1024), null).encoding).toBe("koi8-r");
    expect(decodeHtml(at(1030), null).encoding).toBe("windows-1252");
  });
  it("knows UTF-16 by its declaration's bytes", () => {
    const declared = '<?xml version="1.0"?><p>Ж</p>';
    const little = Buffer.from(declared, "utf16le");
    expect(decodeHtml(little, null)).toEqual({ html: declared, encoding: "utf-16le" });
    expect(decodeHtml(Buffer.from(little).swap16(), null)).toEqual({ html: declared, encoding: "utf-16be" });
  });
});

describe("bytes", () => {
  it.each<[string, string, number[], string]>([
    ["windows-1252", "iso-8859-1", [0x80, 0x93, 0x81], "€“\x81"],
    ["euc-kr with the syllables of Windows", "euc-kr", [0x8c, 0x63, 0x81, 0x41], "똠갂"],
    ["big5 with Hong Kong's characters", "big5", [0x87, 0x40, 0xfa, 0x40], "䏰𠕇"],
    ["gb2312 that is more than that", "gb2312", [0x80, 0x81, 0x39, 0xee, 0x39], "€㐀"],
    ["koi8-u", "koi8-u", [0xae, 0xbe], "ўЎ"],
    ["iso-8859-16", "iso-8859-16", [0xba, 0xaa], "șȘ"],
    ["windows-1255", "windows-1255", [0xca], "\u05ba"],
    ["x-user-defined of the transport", "x-user-defined", [0x41, 0x80], "A\uf780"],
    ["what isn't read for safety's sake", "hz-gb-2312", [0x7e, 0x7b], "\ufffd"],
  ])("%s", (_name, charset, input, html) => {
    expect(decodeHtml(Buffer.from(input), charset).html).toBe(html);
  });
  it("of any kind, under any label, are read without an error", () => {
    const label = fc.oneof(
      fc.string(),
      fc.constantFrom("utf-8", "gbk", "big5", "iso-2022-jp", "replacement", "utf-16"),
    );
    const markup = fc.constantFrom(
      "<meta ",
      "charset=",
      "'",
      '"',
      ">",
      "<!--",
      "content=",
      "gbk",
      "<?xml encoding=",
      "\0",
      "/",
    );
    const page = fc.array(fc.oneof(fc.uint8Array({ maxLength: 8 }), markup.map(latin1)), { maxLength: 40 });
    fc.assert(
      fc.property(page, fc.option(label), (parts, charset) => {
        const { html, encoding } = decodeHtml(Buffer.concat(parts), charset);
        expect(typeof html).toBe("string");
        expect(encoding).toBe(encoding.toLowerCase());
      }),
      { numRuns: 2000 },
    );
  });
  it("are read in time that grows with their number alone", () => {
    const timeOf = (unit: string, count: number): number => {
      const page = latin1(`${unit.repeat(count)}\xe9`);
      const startedMs = performance.now();
      decodeHtml(page, null);
      return performance.now() - startedMs;
    };
    for (const unit of [
      "<meta charset ",
      "<div charset=",
      "<meta content='charset ",
      "charset <",
      "<!-- charset ",
    ]) {
      timeOf(unit, 1000);
      expect(timeOf(unit, 200_000), unit).toBeLessThan(3000);
    }
  });
});
