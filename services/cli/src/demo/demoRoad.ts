import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError, type Funnel, funnelOf } from "@pairloom/config";
import type { EngineChoice } from "@pairloom/engine";
import { parseQueryList } from "@pairloom/querylist";
import {
  combinationName,
  demoQueryFile,
  heldOutCombinations,
  holdOutRules,
  startDemoWeb,
} from "@pairloom/sources";
import { z } from "zod";
import { runRoad } from "../commands/up.js";
import { openProject, type Project } from "../project/openProject.js";
import { writeProjectFile } from "../project/projectFile.js";
import { askRelease, finishRelease } from "../project/releaseProject.js";
import { seedQueries } from "../project/seedProject.js";
import { startMonitor } from "../services/startMonitor.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import type { Say } from "../terminal/say.js";
import { demoHostGapMs, demoSettings } from "./demoSettings.js";
import { stopped } from "./stopped.js";
import { proveDemo, type DemoProof } from "./proveDemo.js";
import { trainDemo } from "./trainDemo.js";
import { writeReport } from "./writeReport.js";

export interface DemoOptions {
  dir: string;
  seed: number;
  engine: EngineChoice;
  /** Multiplies the size of the demo web. */
  scale: number;
  steps?: number;
  dashboardPort: number | null;
  stopAsked: () => boolean;
}

/** What `pairloom demo --json` ends with. */
export interface DemoReport {
  seconds: Record<"web" | "crawl" | "release" | "train" | "proof", number>;
  funnel: Funnel;
  release: { train: ReleaseCounts; heldOut: ReleaseCounts };
  classes: number;
  heldOutClasses: string[];
  heldOutImages: number;
  zeroShotTop1: number;
  recallAt1: number;
  recallAt5: number;
  engine: string;
  seed: number;
  paths: Record<"project" | "trainRelease" | "heldOutRelease" | "run" | "checkpoint" | "report", string>;
}

interface ReleaseCounts {
  samples: number;
  shards: number;
}

/** The query list, in the demo's folder. */
const demoListName = "demo-queries.txt";
const demoFile = z.strictObject({ seed: z.int(), scale: z.number(), port: z.int() });

/** The whole road on the demo web. Run again in the same folder it goes on where it stopped. */
export async function demoRoad(options: DemoOptions, say: Say): Promise<DemoReport> {
  const dir = resolve(options.dir);
  const clock = stageClock();
  const { web, known } = await openDemoWeb(dir, options);
  say.info(
    `A small web of our own: ${web.hosts.length} hosts on loopback, port ${web.port}. ` +
      `Because it is ours, its hosts are asked every ${demoHostGapMs} ms (the default elsewhere is 1,000 ms).`,
  );
  try {
    const settings = demoSettings(options.seed, web.searchUrl);
    await writeProjectFile(dir, settings);
    const project = await openProject({ dir, evenForgotten: true }, settings);
    try {
      await mendForgotten(project, say);
      const monitor =
        options.dashboardPort === null
          ? null
          : await startMonitor(project, { host: "127.0.0.1", port: options.dashboardPort });
      if (monitor !== null) say.info(`Dashboard: ${monitor.url}`);
      try {
        clock.lap("web");
        const funnel = await crawl(project, options, say);
        clock.lap("crawl");
        const release = await makeReleases(project, options.seed, say);
        clock.lap("release");
        const { checkpoint, run } = await trainDemo(project, options, say);
        clock.lap("train");
        const proof = await proveDemo({
          checkpoint,
          release: release.heldOut.path,
          seen: release.train.path,
          heldOut: heldOutCombinations(options.seed).map(combinationName),
          engine: options.engine,
        });
        clock.lap("proof");
        const report = makeReport(dir, options, funnel, release, proof, { checkpoint, run }, clock.seconds);
        await writeReport(report, proof, run);
        if (!known) await writeFile(join(dir, "demo-report.json"), JSON.stringify(report, null, 2) + "\n");
        return report;
      } finally {
        await monitor?.close();
      }
    } finally {
      await project.close();
    }
  } finally {
    await web.close();
  }
}

/** Nobody but the demo works in its folder, and its web is there only while it runs: it mends by itself. */
async function mendForgotten(project: Project, say: Say): Promise<void> {
  try {
    await project.road.checkEpoch();
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== "redis_forgot") throw error;
    say.info(`${error.message}: rebuilding them from the demo's files.`);
    const { mendProject } = await import("../mend/mendProject.js");
    await mendProject(project);
  }
}

function stageClock() {
  let last = performance.now();
  const seconds = { web: 0, crawl: 0, release: 0, train: 0, proof: 0 };
  return {
    seconds,
    lap: (stage: keyof typeof seconds) => {
      const now = performance.now();
      seconds[stage] = Math.round((now - last) / 100) / 10;
      last = now;
    },
  };
}

/** Serves the demo web on the port that this folder's URLs name, or on a free one in a new folder. */
async function openDemoWeb(dir: string, { seed, scale }: DemoOptions) {
  const path = join(dir, "demo.json");
  const text = await readFile(path, "utf8").catch(() => null);
  const before = text === null ? null : demoFile.parse(JSON.parse(text));
  if (before !== null && (before.seed !== seed || before.scale !== scale))
    throw new UserError(
      "demo_differs",
      `${dir} holds a demo of seed ${before.seed} and scale ${before.scale}`,
      {
        hint: "Give another --dir, or the same --seed and --scale to go on with it.",
      },
    );
  const web = await startDemoWeb({ seed, scale, port: before?.port ?? 0 });
  await mkdir(dir, { recursive: true });
  await writeFile(path, JSON.stringify({ seed, scale, port: web.port }) + "\n");
  return { web, known: before !== null };
}

async function crawl(project: Project, options: DemoOptions, say: Say): Promise<Funnel> {
  const list = demoQueryFile(1);
  await writeFile(join(project.dir, demoListName), list);
  const { queries } = await parseQueryList(list, demoListName);
  await seedQueries(project, queries);
  say.info(`Crawling for ${queries.length} queries (${demoListName}):`);
  const outcome = await runRoad(project, {
    stages: ["expander", "crawler", "fetcher", "deduper"],
    untilIdle: true,
    stopAsked: options.stopAsked,
    log: () => undefined,
    workerArgs: [],
    live: new LiveBlock(),
  }).catch((error: unknown) => {
    if (!(error instanceof UserError) || error.code !== "redis_forgot") throw error;
    const hint = "Run the same command again: it rebuilds them and goes on.";
    throw new UserError(error.code, error.message, { hint, cause: error });
  });
  if (!outcome.idle) throw stopped(project.dir);
  return funnelOf(outcome.funnel);
}

async function makeReleases(project: Project, seed: number, say: Say) {
  const settings = { ...project.settings.release, holdOut: holdOutRules(seed), samplesPerShard: 1000 };
  const make = async (name: string, side: "train" | "held_out") => {
    const request = await askRelease(project, { name, settings, side, lists: project.settings.lists });
    await finishRelease(project, request.name);
    const path = join(project.dir, "releases", name);
    const sizes = JSON.parse(await readFile(join(path, "sizes.json"), "utf8")) as Record<string, number>;
    const samples = Object.values(sizes).reduce((sum, n) => sum + n, 0);
    return { path, samples, shards: Object.keys(sizes).length };
  };
  const train = await make("train", "train");
  const heldOut = await make("held-out", "held_out");
  say.info(
    `Released ${train.samples} samples to train on; ${heldOut.samples} of ${settings.holdOut.length} colour–shape ` +
      "combinations are kept out of training.",
  );
  return { train, heldOut };
}

function makeReport(
  dir: string,
  options: DemoOptions,
  funnel: Funnel,
  release: Awaited<ReturnType<typeof makeReleases>>,
  proof: DemoProof,
  trained: { run: string; checkpoint: string },
  seconds: DemoReport["seconds"],
): DemoReport {
  const counts = ({ samples, shards }: ReleaseCounts) => ({ samples, shards });
  return {
    seconds,
    funnel,
    release: { train: counts(release.train), heldOut: counts(release.heldOut) },
    classes: proof.classes.length,
    heldOutClasses: proof.heldOut,
    heldOutImages: proof.images,
    zeroShotTop1: proof.zeroShotTop1,
    recallAt1: proof.recallAt1,
    recallAt5: proof.recallAt5,
    engine: proof.engine,
    seed: options.seed,
    paths: {
      project: dir,
      trainRelease: release.train.path,
      heldOutRelease: release.heldOut.path,
      run: trained.run,
      checkpoint: trained.checkpoint,
      report: join(dir, "report.html"),
    },
  };
}
