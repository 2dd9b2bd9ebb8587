import type { ExpandedQuery } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import type { Sorted, Sorter, Spill } from "../sorting/spill.js";
import { type AnyIterable, groupsOf, joined } from "../sorting/streams.js";
import { withoutFragment } from "./barred.js";
import type { Spoken } from "./picture.js";

/** Which queries led to which page or image: what the expansions say. */
export type Association = Pick<ExpandedQuery, "query" | "pages" | "images">;

/** Finds the queries that a text contains, e.g. a `QueryMatcher`. */
export interface TextQueries {
  match(text: string): Iterable<string>;
}

/** Makes what finds these queries. */
export type MatcherOf = (queries: ReadonlySet<string>) => TextQueries;

/** A query that an entry answers, by the entry's place. */
type Answer = [place: number, query: string];

type Lead = [url: string, query: string];

/**
 * Finds every query that the rows of entries answer: those that led to a row, those that led to its page or image,
 * and those that its texts contain.
 */
export class AnswerFinder {
  readonly #leads: Sorted<Lead>;
  readonly #textQueries: TextQueries | null;
  readonly #answers: Sorter<Answer>;
  readonly #mentions: Sorter<[url: string, place: number]>;

  private constructor(spill: Spill, leads: Sorted<Lead>, textQueries: TextQueries | null) {
    this.#leads = leads;
    this.#textQueries = textQueries;
    this.#answers = spill.sorter({ order: (a, b) => a[0] - b[0] || byteOrder(a[1], b[1]) });
    this.#mentions = spill.sorter({ order: (a, b) => byteOrder(a[0], b[0]) });
  }

  /** Goes through the associations. @param matcherOf makes what finds their queries in texts */
  static async open(
    associations: AnyIterable<Association>,
    matcherOf: MatcherOf | null,
    spill: Spill,
  ): Promise<AnswerFinder> {
    const queries = new Set<string>();
    const leads = spill.sorter<Lead>({ order: (a, b) => byteOrder(a[0], b[0]) });
    for await (const { query, pages, images } of associations) {
      if (matcherOf !== null) queries.add(query);
      for (const url of [...pages, ...images]) await leads.add([withoutFragment(url), query]);
    }
    return new AnswerFinder(spill, await leads.sorted(), matcherOf?.(queries) ?? null);
  }

  async add(place: number, rows: readonly Spoken[]): Promise<void> {
    const queries = new Set<string>();
    const urls = new Set<string>();
    const texts = new Set<string>();
    for (const row of rows) {
      if (row.query !== null) queries.add(row.query);
      if (this.#leads.count > 0)
        for (const url of [row.pageUrl, row.imageUrl, row.canonicalUrl])
          if (url !== null) urls.add(withoutFragment(url));
      if (this.#textQueries !== null) for (const { text } of row.texts) texts.add(text);
    }
    for (const text of texts) for (const query of this.#textQueries?.match(text) ?? []) queries.add(query);
    for (const query of queries) await this.#answers.add([place, query]);
    for (const url of urls) await this.#mentions.add([url, place]);
  }

  /** All entries were added. */
  async found(): Promise<Answers> {
    const mentions = await this.#mentions.sorted();
    const byUrl = groupsOf(mentions, (a, b) => a[0] === b[0]);
    for await (const [group, leads] of joined(byUrl, this.#leads, (lead, [first]) =>
      byteOrder(lead[0], first[0]),
    ))
      for (const [, query] of leads) for (const [, place] of group) await this.#answers.add([place, query]);
    await Promise.all([this.#leads.drop(), mentions.drop()]);
    return new Answers(await this.#answers.sorted());
  }
}

/** The queries that entries answer. */
export class Answers {
  constructor(private readonly answers: Sorted<Answer>) {}

  /** Each record with the queries of the entry at its place, each once, in byte order. @param records by place */
  async *of<T>(records: AnyIterable<T>, placeOf: (record: T) => number): AsyncGenerator<[T, string[]], void> {
    for await (const [record, answers] of joined(
      records,
      this.answers,
      (one, other) => one[0] - placeOf(other),
    ))
      yield [record, [...new Set(answers.map(([, query]) => query))]];
  }

  drop(): Promise<void> {
    return this.answers.drop();
  }
}
