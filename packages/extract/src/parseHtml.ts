import { load, type CheerioAPI } from "cheerio/slim";
import { DomHandler, type Document, type Element } from "domhandler";
import { Parser } from "htmlparser2";

/** As browsers do: elements nested deeper than this are still read, but outer ones count as closed no more. */
const maxOpenElements = 512;

/** The parts of the parser that grow with nesting; every tag searches and shifts them. */
interface OpenElements {
  stack: unknown[];
  foreignContext: unknown[];
}

/** Builds the tree while keeping the parser's list of open elements short, so that hostile nesting costs linear time. */
class ShallowHandler extends DomHandler {
  #open: OpenElements = { stack: [], foreignContext: [] };

  override onparserinit(parser: Parser): void {
    super.onparserinit(parser);
    this.#open = parser as unknown as OpenElements;
  }

  override onopentag(name: string, attributes: Element["attribs"]): void {
    super.onopentag(name, attributes);
    // The outermost comes last in both lists.
    if (this.#open.stack.length > maxOpenElements) this.#open.stack.pop();
    if (this.#open.foreignContext.length > maxOpenElements) this.#open.foreignContext.pop();
  }
}

/**
 * A forgiving parse of any text. The tree can be as deep, and its root as wide, as the text is long: walk it with
 * `nextNode`, never by recursion, and give `$` elements rather than selectors (a selector over a wide root costs the
 * square of its width).
 */
export function parseHtml(html: string): { $: CheerioAPI; document: Document } {
  const handler = new ShallowHandler();
  const parser = new Parser(handler, { decodeEntities: true, lowerCaseTags: true });
  parser.end(html);
  return { $: load(handler.root), document: handler.root };
}
