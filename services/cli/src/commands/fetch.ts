import { availableParallelism } from "node:os";
import { UserError } from "@pairloom/config";
import type { ListTally } from "@pairloom/service-fetcher/list";
import { openStore } from "@pairloom/storage";
import type { Command } from "commander";
import { openSharedClocks } from "../project/sharedClocks.js";
import { onStopSignal } from "../services/onStopSignal.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import { listBlock, listLine, listResult } from "../terminal/listText.js";
import { createSay } from "../terminal/say.js";
import { addFetchOptions, type FetchOptions, settingsOf } from "./fetchOptions.js";
import { jsonOption } from "./options.js";

/** `pairloom fetch`: a URL list straight to shards. */
export function addFetchCommand(program: Command): void {
  addFetchOptions(
    program.command("fetch").description("a URL list straight to shards, with img2dataset's options"),
  )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Options may be written with _ or -. What differs from img2dataset: docs/fetch.md.
Several runs at once keep the gaps between requests together where they share a Redis (--redis-url, REDIS_URL).

Examples:
  $ pairloom fetch --url_list urls.parquet --caption_col caption --output_folder laion --output_format webdataset --contact me@example.org
  $ pairloom fetch --retry-failed --output_folder laion --output_format webdataset --contact me@example.org
  $ pairloom fetch --url_list s3://bucket/lists/ --output_folder s3://bucket/laion --output_format webdataset --contact me@example.org
`,
    )
    .action(runFetch);
}

async function runFetch(options: FetchOptions): Promise<void> {
  const { openDecoders } = await import("@pairloom/image/decoders");
  const { ListTally, retryFailed, fetchList } = await import("@pairloom/service-fetcher/list");
  const { openWeb } = await import("@pairloom/web");
  const say = createSay(options.json ?? false);
  if (options.urlList === undefined && !options.retryFailed)
    throw new UserError("url_list_missing", "Name a list with --url_list", {
      hint: "pairloom fetch --help shows an example; --retry-failed alone needs none.",
      exitCode: 2,
    });
  const settings = settingsOf(options);
  const stop = new AbortController();
  onStopSignal(() =>
    stop.abort(
      new UserError("stopped", "Stopped; finished shards stay", {
        hint: "Run the same command again: it goes on where it stopped.",
        exitCode: 130,
      }),
    ),
  );
  const store = await openStore(settings.outputFolder, { signal: stop.signal });
  const onTrouble = (error: UserError): void => stop.abort(error);
  const { redisUrl, dir, redisWait } = options;
  const shared = await openSharedClocks({ redisUrl, dir, onTrouble, log: (line) => say.warn(line) });
  const redis = shared?.connect();
  // Nobody waits for clocks any more.
  stop.signal.addEventListener("abort", () => redis?.disconnect());
  const web = openWeb({
    settings: settings.web,
    hostConnections: Math.max(6, 2 * availableParallelism()),
    redis,
    redisOutageLimitMs: 1000 * redisWait,
  });
  const decoders = openDecoders({ settings: settings.image });
  const tally = new ListTally();
  const progress = watch(tally);
  try {
    const context = { settings, store, web, tally, signal: stop.signal, decoders };
    await (options.retryFailed ? retryFailed(context) : fetchList(context));
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    progress.stop();
    for (const note of tally.notes) say.warn(note);
    await Promise.all([web.close(), decoders.close()]);
    await shared?.close();
  }
  const { rows, successes, failedToDownload, failedToResize, seconds } = tally;
  say.result(
    {
      folder: settings.outputFolder,
      format: settings.outputFormat,
      shards: tally.shards,
      shardsThere: tally.shardsThere,
      rows,
      successes,
      failedToDownload,
      failedToResize,
      reasons: Object.fromEntries(tally.reasons),
      notes: tally.notes,
      bytes: tally.bytes,
      seconds,
      picturesPerSecond: seconds > 0 ? successes / seconds : 0,
    },
    listResult(tally, settings.outputFolder),
  );
}

/** Shows how far it is, until stopped. */
function watch(tally: ListTally): { stop: () => void } {
  const block = new LiveBlock();
  const past: { rows: number; atMs: number }[] = [{ rows: 0, atMs: Date.now() }];
  const rate = (): number => {
    const first = past[0]!;
    return (1000 * (tally.rows - first.rows)) / Math.max(1, Date.now() - first.atMs);
  };
  const draw = (): void => {
    past.push({ rows: tally.rows, atMs: Date.now() });
    if (past.length > 40) past.shift();
    block.draw(listBlock(tally, rate()), listLine(tally, rate()));
  };
  const timer = setInterval(draw, 500);
  return {
    stop: () => {
      clearInterval(timer);
      if (tally.rows > 0) block.finish(listBlock(tally, rate()), listLine(tally, rate()));
    },
  };
}
