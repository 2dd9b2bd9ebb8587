import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listSegments, readSegmentRows } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastJson, pairloom } from "../road/pairloom.js";
import { countFolder } from "./independentCount.mjs";
import { startNginx, type Nginx } from "./nginx.js";

/** Debian's `kicad-doc-en`: a manual of eight pages and some hundred pictures that nobody here wrote. */
const root = "/usr/share/doc/kicad/help";
const missing = [
  existsSync(join(root, "en/pcbnew.html")) ? null : "Debian's kicad-doc-en",
  spawnSync("nginx", ["-v"]).error === undefined ? null : "nginx",
].filter((name) => name !== null);
if (missing.length > 0) console.log(`skipped: ${missing.join(" and ")} not installed`);

describe.skipIf(missing.length > 0)("a site that nobody here wrote: KiCad's manual behind nginx", () => {
  let nginx: Nginx;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pairloom-site-"));
    nginx = await startNginx(root, join(folder, "nginx"));
  });
  afterAll(async () => {
    await nginx?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("is crawled into a release, and no image with a text is missed", async () => {
    const dir = join(folder, "data");
    const site = `${nginx.url}en/`;
    const web = ["--allow-private", "127.0.0.0/8", "--host-gap-ms", "2", "--address-gap-ms", "0"];
    const seeded = await pairloom(["seed", "--dir", dir, "--site", site, ...web]);
    expect(seeded.code, seeded.stderr).toBe(0);
    const up = await pairloom(["up", "--dir", dir, "--until-idle", "--no-dashboard", "--json", ...web]);
    expect(up.code, up.stderr).toBe(0);
    const { funnel } = lastJson<{ funnel: { pages: { read: number }; seen: number; refused: object } }>(up);

    const counted = countFolder(join(root, "en"), site);
    expect(counted.pages).toBeGreaterThanOrEqual(8);
    expect(counted.withText.length).toBeGreaterThan(300);
    const store = await openStore(dir);
    const rows = [];
    for await (const segment of listSegments(store)) rows.push(...(await readSegmentRows(store, segment)));
    const found = new Set(rows.map(({ pageUrl, imageUrl }) => `${pageUrl} ${imageUrl}`));
    const missed = counted.withText.filter(({ page, image }) => !found.has(`${page} ${image}`));
    expect(missed).toEqual([]);

    const released = await pairloom(["release", "--dir", dir, "--json"]);
    expect(released.code, released.stderr).toBe(0);
    const { path, ...counts } = lastJson<{
      path: string;
      candidates: number;
      kept: number;
      rejected: number;
    }>(released);
    expect(counts.kept).toBeGreaterThan(100);
    expect(counts.kept + counts.rejected).toBe(counts.candidates);
    const verified = await pairloom(["shards", "verify", path]);
    expect(verified.code, verified.stderr).toBe(0);
    const seen = {
      pagesRead: funnel.pages.read,
      references: counted.imageTags,
      withText: counted.withText.length,
    };
    console.log(JSON.stringify({ ...seen, ...counts, refused: funnel.refused }));
  });
});
