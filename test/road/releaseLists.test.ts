import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectSettings } from "@pairloom/config";
import { copyOfSample, type DataCard, openShards, type ShardSample } from "@pairloom/shards";
import { startDemoWeb, type DemoWeb } from "@pairloom/sources";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lastJson, pairloom } from "./pairloom.js";

let web: DemoWeb;
let folder: string;
let dir: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pairloom-lists-"));
  dir = join(folder, "project");
  web = await startDemoWeb({ seed: 5, scale: 0.1 });
  await mkdir(dir);
  await saveSettings({});
  await writeFile(join(folder, "queries.txt"), "red circle\nblue star\ngreen square\n");
  const seeded = await pairloom(["seed", "--dir", dir, join(folder, "queries.txt"), "--json"]);
  expect(seeded.code, seeded.stderr).toBe(0);
  const crawled = await pairloom(["up", "--dir", dir, "--until-idle", "--no-dashboard", "--json"]);
  expect(crawled.code, crawled.stderr).toBe(0);
});
afterAll(async () => {
  await web?.close();
  await rm(folder, { recursive: true, force: true });
});

function saveSettings(lists: object): Promise<void> {
  const settings = projectSettings.parse({
    project: "lists",
    sources: [{ kind: "search", name: "demo-search", url: web.searchUrl, pageSize: 50 }],
    web: {
      allowPrivate: ["127.0.0.0/8"],
      hostGapMs: 1,
      addressGapMs: 0,
      crawlDelayCapMs: 20,
      retries: 0,
      timeoutMs: 2000,
    },
    image: { imageSize: 64, resizeMode: "keep_ratio", resizeOnlyIfBigger: true },
    lists,
  });
  return writeFile(join(dir, "pairloom.json"), JSON.stringify(settings));
}

interface Released {
  path: string;
  rejectedByReason: Record<string, number>;
}

const release = (...args: string[]) => pairloom(["release", "--dir", dir, "--json", ...args]);

async function samplesOf({ path }: Released): Promise<ShardSample[]> {
  const samples: ShardSample[] = [];
  for await (const sample of await openShards(path)) samples.push(copyOfSample(sample));
  return samples;
}

const sha256Of = ({ json }: ShardSample) => String(json?.["sha256"]);

it("a picture that a list names, or that looks like an evaluation picture, is in no release", async () => {
  const before = await samplesOf(lastJson<Released>(await release("--name", "before")));
  expect(before.length).toBeGreaterThan(20);
  const [evaluated, takenDown, abusive] = before as [ShardSample, ShardSample, ShardSample];

  // The evaluation set holds the picture as another file, smaller and of another format.
  const evaluation = join(folder, "evaluation");
  await mkdir(evaluation);
  await writeFile(join(evaluation, "0.webp"), await sharp(evaluated.image).resize(48).webp().toBuffer());
  const list = join(folder, "takedowns.txt");
  await writeFile(list, `${String(takenDown.json?.["url"])}\n`);
  // A list of the project's own, named from its folder.
  await writeFile(join(dir, "abuse.jsonl"), `{"sha256":"${sha256Of(abusive)}"}\n`);
  await saveSettings({ blocklist: ["abuse.jsonl"] });

  const args = ["--name", "after", "--blocklist", list, "--decontaminate", evaluation];
  const after = lastJson<Released>(await release(...args));
  const kept = new Set((await samplesOf(after)).map(sha256Of));
  for (const gone of [evaluated, takenDown, abusive]) expect(kept).not.toContain(sha256Of(gone));
  expect(kept.size).toBeGreaterThan(before.length / 2);
  expect(after.rejectedByReason["contaminated"]).toBeGreaterThanOrEqual(1);
  expect(after.rejectedByReason["blocklisted"]).toBeGreaterThanOrEqual(2);

  const card = JSON.parse(await readFile(join(after.path, "datacard.json"), "utf8")) as DataCard;
  expect(card.lists?.map(({ use, name }) => [use, name])).toEqual([
    ["blocklist", "abuse.jsonl"],
    ["blocklist", "takedowns.txt"],
    ["decontaminate", "evaluation"],
  ]);
  expect(await readFile(join(after.path, "datacard.md"), "utf8")).toContain(card.lists![2]!.sha256);
  expect((await pairloom(["shards", "verify", after.path])).code).toBe(0);

  // A release is what its lists were when it was asked for: unchanged files give it, changed ones another.
  expect(lastJson<Released>(await release(...args))).toMatchObject({ path: after.path });
  await writeFile(list, "bad.example\n");
  expect(lastJson<{ error: { code: string } }>(await release(...args)).error.code).toBe("release_exists");
});

it("layers that are switched off let through what they would have dropped", async () => {
  const all = lastJson<Released>(await release("--name", "layers"));
  const off = lastJson<Released>(
    await release("--name", "off", "--no-bytes", "--no-near", "--no-placeholders"),
  );
  const reasons = (released: Released) => Object.keys(released.rejectedByReason);
  expect(reasons(all)).toContain("duplicate_bytes");
  expect(reasons(off)).not.toContain("duplicate_bytes");
  expect(reasons(off)).not.toContain("duplicate_near");
  expect(reasons(off)).not.toContain("placeholder");
  expect((await samplesOf(off)).length).toBeGreaterThan((await samplesOf(all)).length);
});
