import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DemoWeb } from "@pairloom/sources";
import { expect } from "vitest";
import { lastJson, pairloom } from "../road/pairloom.js";
import { crawlSettings } from "./crawlSettings.js";

export interface ReleaseFiles {
  counts: { candidates: number; kept: number; rejected: number };
  /** sha256 of each file of the release, by its name. */
  files: Record<string, string>;
}

/** Seeds a project with the demo's queries. */
export async function seedCrawl(dir: string, web: DemoWeb): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "pairloom.json"), JSON.stringify(crawlSettings(web)));
  const seeded = await pairloom(["seed", "--dir", dir, "examples/demo-queries.txt"]);
  expect(seeded.code, seeded.stderr).toBe(0);
}

/** Makes a release and hashes every file of it. */
export async function releaseOf(dir: string): Promise<ReleaseFiles> {
  const args = ["--dir", dir, "--name", "all", "--samples-per-shard", "200", "--json"];
  const ran = await pairloom(["release", ...args]);
  expect(ran.code, ran.stderr).toBe(0);
  const { path, candidates, kept, rejected } = lastJson<ReleaseFiles["counts"] & { path: string }>(ran);
  const files: Record<string, string> = {};
  for (const name of (await readdir(path, { recursive: true })).sort())
    if (/\.\w+$/.test(name))
      files[name] = createHash("sha256")
        .update(await readFile(join(path, name)))
        .digest("hex");
  return { counts: { candidates, kept, rejected }, files };
}

/** What the counters say, without those that are provisional. */
export async function funnelOf(dir: string): Promise<Record<string, unknown>> {
  const ran = await pairloom(["status", "--dir", dir, "--json"]);
  expect(ran.code, ran.stderr).toBe(0);
  return lastJson<{ funnel: Record<string, unknown> }>(ran).funnel;
}

/** A copy of a project that nobody has open. */
export async function copyOf(dir: string, to: string): Promise<string> {
  await cp(dir, to, { recursive: true });
  return to;
}
