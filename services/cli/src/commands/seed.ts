import { resolve } from "node:path";
import { type ProjectSettings, UserError } from "@pairloom/config";
import { hasLiteralSecret, variablesOf } from "@pairloom/sources/searchTemplate";
import type { Command } from "commander";
import { newSource, withSource } from "../project/newSource.js";
import { openProject, withOptions, type WebOptions } from "../project/openProject.js";
import {
  publishProjectFile,
  readOrNewProject,
  readProjectFile,
  writeProjectFile,
} from "../project/projectFile.js";
import { createSay, type Say } from "../terminal/say.js";
import { addWebOptions, dirOption, jsonOption, wholeNumber } from "./options.js";

interface SeedOptions extends WebOptions {
  dir: string;
  search?: string;
  site?: string;
  maxPages?: number;
  check: boolean;
  json?: boolean;
}

/** `pairloom seed`: puts a query list, or a site, on the road. */
export function addSeedCommand(program: Command): void {
  addWebOptions(
    program
      .command("seed")
      .description("put a query list, or a site to crawl, on the road")
      .argument(
        "[file]",
        "a query list: txt (one a line), csv or tsv with a column `query`, json, jsonl, parquet; .gz too",
      )
      .addOption(dirOption())
      .option(
        "--search <template>",
        "a search API that answers queries: a URL with {query}, {offset} and {limit}; a key as {env:PAIRLOOM_KEY_NAME}",
      )
      .option("--site <url>", "crawl a site from this page, within its path, with its sitemap")
      .option("--max-pages <n>", "pages of the site at most", wholeNumber(1))
      .option("--no-check", "do not ask whether the site answers")
      .addOption(jsonOption())
      .addHelpText(
        "after",
        `
Examples:
  $ pairloom seed --dir data queries.txt --search 'https://images.example/api?q={query}&offset={offset}&limit={limit}'
  $ pairloom seed --dir data --site https://docs.example/manual/
`,
      )
      .action(async (file: string | undefined, options: SeedOptions) => {
        const { checkQuerySources, lookAtSite, seedQueries, seedSite } =
          await import("../project/seedProject.js");
        const { readQueryList } = await import("@pairloom/querylist");
        const say = createSay(options.json ?? false);
        if ((file === undefined) === (options.site === undefined))
          throw new UserError("seed_what", "Name either a query list file or --site URL", {
            hint: "pairloom seed --help shows an example of each.",
            exitCode: 2,
          });
        // Everything is read and checked before anything is written.
        const list = file === undefined ? null : await readQueryList(file);
        const { settings: before, isNew } = await readOrNewProject(options.dir);
        const source = newSource(options);
        const changed = (project: ProjectSettings) => withOptions(withSource(project, source), options);
        let settings = changed(before);
        const sitemaps =
          source?.kind === "site" && options.check ? await lookAtSite(source.url, settings) : [];
        if (list !== null) checkQuerySources(settings);
        if (source?.kind === "search") warnOfKeys(source.url, say);
        if (isNew && (await publishProjectFile(options.dir, settings)))
          say.info(`A new project, in ${resolve(options.dir)}.`);
        else {
          settings = changed(await readProjectFile(options.dir)); // others may have changed it meanwhile
          await writeProjectFile(options.dir, settings);
        }
        const project = await openProject(options, settings);
        try {
          if (list !== null) {
            const { jobs } = await seedQueries(project, list.queries);
            const doubles = list.duplicates > 0 ? `, ${list.duplicates} doubles dropped` : "";
            say.result(
              { queries: list.queries.length, duplicates: list.duplicates, jobs, dir: project.dir },
              `${list.queries.length} queries are on the road (${jobs} jobs${doubles}). Next: pairloom up --dir ${options.dir}`,
            );
          } else {
            await seedSite(project, source!.name, sitemaps);
            say.result(
              { site: options.site, dir: project.dir },
              `${options.site} is on the road. Next: pairloom up --dir ${options.dir} --until-idle`,
            );
          }
        } finally {
          await project.close();
        }
      }),
  );
}

/** Says where a key is kept, and which variables the services will need. */
function warnOfKeys(template: string, say: Say): void {
  if (hasLiteralSecret(template))
    say.warn(
      "The key in --search is kept in pairloom.json, which only you can read. " +
        "To keep it out: write {env:PAIRLOOM_KEY_NAME} in its place and set that variable for `pairloom up`.",
    );
  for (const name of variablesOf(template))
    if (process.env[name] === undefined) say.warn(`${name} is not set; \`pairloom up\` needs it.`);
}
