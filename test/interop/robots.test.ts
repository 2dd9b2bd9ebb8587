import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { isAllowed, parseRobots } from "@pairloom/web";
import fc from "fast-check";
import { expect, it } from "vitest";

const python = process.env["PAIRLOOM_PYTHON"];
const why = "set PAIRLOOM_PYTHON to the interpreter that test/interop/environment.sh prints";

type Case = [robots: string, agent: string, urls: string[]];

/**
 * Files of groups as webmasters write them, and URLs that their patterns nearly match. Agents are whole tokens: Protego
 * takes "pair" for a name of "pairloom", RFC 9309 doesn't. Each group has
 * a rule: where one has none, the next group's agents join it by RFC 9309 §2.2.1 and Google's parser, by Protego's not. A * at the
 * end is an octet like any other to RFC 9309 and Google, and nothing to Protego.
 * A URL that ends with a bare "?" is asked for without it, so its rules are those of the path.
 */
const piece = fc.constantFrom(
  "a",
  "b",
  "/",
  "/a",
  "/b/",
  ".",
  "?",
  "=",
  "-",
  "ab",
  "é",
  "%C3%A9",
  "%62",
  "~",
);
const pattern = fc
  .tuple(
    fc.array(fc.oneof({ weight: 5, arbitrary: piece }, fc.constant("*")), { maxLength: 5 }),
    fc.constantFrom("", "", "", "$"),
  )
  .map(([pieces, end]) => `/${pieces.join("").replace(/\*+$/, "")}${end}`);
const rule = fc
  .tuple(
    fc.constantFrom("Allow", "Disallow", "disallow", "ALLOW "),
    pattern,
    fc.constantFrom("", " # why", "  "),
  )
  .map(([key, path, tail]) => `${key}: ${path}${tail}`);
const group = fc
  .tuple(
    fc.array(fc.constantFrom("*", "pairloom", "PairLoom", "otherbot"), { minLength: 1, maxLength: 2 }),
    rule,
    fc.array(fc.oneof(rule, fc.constantFrom("Disallow:", "Crawl-delay: 2", "Sitemap: http://x/s.xml", "")), {
      maxLength: 5,
    }),
  )
  .map(([agents, first, lines]) =>
    [...agents.map((agent) => `User-agent: ${agent}`), first, ...lines].join("\n"),
  );
const robots = fc
  .tuple(fc.array(group, { maxLength: 3 }), fc.constantFrom("\n", "\r\n"))
  .map(([groups, newline]) => groups.join("\n\n").replaceAll("\n", newline));
const url = fc
  .array(piece, { maxLength: 6 })
  .map(
    (pieces) =>
      new URL(`http://site.test/${pieces.join("")}`.replace(/\/{2,}$/, "/").replace(/\?+$/, "")).href,
  );
const cases = fc.tuple(
  robots,
  fc.constantFrom("pairloom", "otherbot", "stranger"),
  fc.array(url, { minLength: 5, maxLength: 5 }),
);

it.skipIf(python === undefined)(`Protego says the same of 4,000 generated files (${why})`, () => {
  const asked: Case[] = fc.sample(cases, { numRuns: 4000, seed: 9309 });
  const { stdout, stderr } = spawnSync(python!, [join(import.meta.dirname, "robots_reference.py")], {
    input: JSON.stringify(asked),
    maxBuffer: 1e8,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  const theirs = JSON.parse(stdout) as boolean[][];
  const differ = asked.flatMap(([text, agent, urls], i) => {
    const parsed = parseRobots(text);
    return urls.flatMap((address, j) => {
      const ours = isAllowed(parsed, agent, address);
      return ours.allowed === theirs[i]?.[j] ? [] : [{ text, agent, address, ours, theirs: theirs[i]?.[j] }];
    });
  });
  const refused = theirs.flat().filter((allowed) => !allowed).length;
  expect(refused).toBeGreaterThan(1000); // or the files would say nothing
  expect({ differ: differ.length, first: differ.slice(0, 3) }).toEqual({ differ: 0, first: [] });
});
