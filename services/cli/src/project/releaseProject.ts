import { setTimeout as sleep } from "node:timers/promises";
import { type BarListPaths, UserError } from "@pairloom/config";
import {
  fingerprint,
  makeRequest,
  readRequest,
  requestName,
  submitRequest,
  type ReleaseRequest,
} from "@pairloom/service-sharder";
import type { RunningWorker } from "@pairloom/queue";
import { runStage } from "../services/runStage.js";
import { checkName } from "./checkName.js";
import { fixBarLists } from "./fixBarLists.js";
import type { Project } from "./openProject.js";
import { releaseFailure, releaseStanding } from "./releaseStanding.js";

export interface ReleaseWish {
  name?: string;
  settings: ReleaseRequest["settings"];
  side: ReleaseRequest["side"];
  /** Files and folders of what must not be released; their content now is what counts. */
  lists: BarListPaths;
  /** Told what of the lists can't be used in full. */
  warn?: (line: string) => void;
}

/** Marks a whole release: written last. */
export const releaseMark = (name: string): string => `releases/${name}/sizes.json`;

/** Asks for a release: fixes its input and puts the plan job on the road. An unchanged wish gives the release that is there. */
export async function askRelease(project: Project, wish: ReleaseWish): Promise<ReleaseRequest> {
  const { road, store } = project;
  const { settings, side, warn = () => undefined } = wish;
  if (wish.name !== undefined) checkName("release", wish.name);
  const taken: string[] = [];
  for await (const { name } of store.list("requests/"))
    taken.push(name.slice("requests/".length, -".jsonl.gz".length));
  const lists = await fixBarLists(project, wish.lists, settings.dedupe, warn);
  const draft = await makeRequest(store, { settings, side, lists, name: wish.name ?? "draft" });
  if (draft.segments.length === 0)
    throw new UserError("nothing_to_release", "Nothing has been fetched yet: there is no segment", {
      hint: "Crawl first: pairloom seed …, then pairloom up --until-idle.",
    });
  if (wish.name !== undefined && (await store.stat(requestName(wish.name))) !== null) {
    const there = await readRequest(store, wish.name);
    if (fingerprint(there) !== fingerprint(draft))
      throw new UserError(
        "release_exists",
        `The release "${wish.name}" is there already, with other input or settings`,
        {
          hint: "A release never changes: choose another --name, or leave it out for the next number.",
        },
      );
    await submitRequest(road, store, there);
    return there;
  }
  if (wish.name === undefined) {
    for (const name of taken) {
      const there = await readRequest(store, name);
      if (fingerprint(there) !== fingerprint(draft)) continue;
      await submitRequest(road, store, there);
      return there;
    }
    const numbers = taken.map((name) => Number(/^r(\d+)$/.exec(name)?.[1] ?? 0));
    draft.name = `r${String(Math.max(0, ...numbers) + 1).padStart(4, "0")}`;
  }
  await submitRequest(road, store, draft);
  return draft;
}

export interface FinishOptions {
  log?: (line: string) => void;
  /** Told now and then where a release stands that takes longer. */
  onStanding?: (line: string) => void;
}

const standingEveryMs = 500;

/** Waits until a release is whole, running a sharder in this process for as long (others may help). */
export async function finishRelease(
  project: Project,
  name: string,
  { log = () => undefined, onStanding }: FinishOptions = {},
): Promise<void> {
  const { store, road } = project;
  let fatal: unknown = null;
  let worker: RunningWorker | null = null;
  try {
    worker = await runStage(project, "sharder", { log, onFatal: (error) => (fatal ??= error) });
    let tellAt = performance.now() + standingEveryMs;
    while ((await store.stat(releaseMark(name))) === null) {
      if (fatal !== null)
        throw fatal instanceof Error ? fatal : new Error("the sharder stopped", { cause: fatal });
      const failure = await releaseFailure(road, name);
      if (failure !== null)
        throw new UserError("release_failed", `The release could not be made: ${failure}`, {
          hint: "Mend that and run the same command again.",
        });
      if (onStanding !== undefined && performance.now() >= tellAt) {
        onStanding(await releaseStanding(project, name));
        tellAt = performance.now() + standingEveryMs;
      }
      await sleep(100);
    }
  } finally {
    await worker?.stop();
  }
}
