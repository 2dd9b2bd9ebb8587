import { ask } from "./api.js";
import { ActionForm } from "./actionForm.js";

/** Puts a query list, or a site, on the road. */
export function Seed() {
  const seed = async (fields: Record<string, string>): Promise<string> => {
    const { queries, search, site } = fields;
    if (site !== undefined) {
      await ask("/seed", { site });
      return `${site} is on the road.`;
    }
    if (queries === undefined) throw new Error("Give a query list, or the address of a site.");
    const done = await ask<{ queries: number; jobs: number }>("/seed", {
      queries,
      ...(search === undefined ? {} : { search }),
    });
    return `${done.queries} queries are on the road, in ${done.jobs} jobs.`;
  };
  return (
    <section>
      <h2>Seed</h2>
      <ActionForm label="Put on the road" act={seed}>
        <label>
          Queries, one a line
          <textarea name="queries" placeholder={"a red star\ntwo blue hearts"} />
        </label>
        <label>
          Search API (needed once: URL with {"{query}"}, {"{offset}"} and {"{limit}"})
          <input
            name="search"
            placeholder="https://images.example/api?q={query}&offset={offset}&limit={limit}"
          />
        </label>
        <label>
          … or a site to crawl
          <input name="site" type="url" placeholder="https://docs.example/manual/" />
        </label>
      </ActionForm>
    </section>
  );
}
