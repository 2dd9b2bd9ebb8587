import { UserError, codecChoices, encodeFormats, resizeModes } from "@pairloom/config";
import {
  hashNames,
  incrementalModes,
  listSettings,
  outputFormats,
  type ListSettings,
} from "@pairloom/service-fetcher/list/settings";
import type { BadRows, TableFormat } from "@pairloom/tables";
import { tableFormats } from "@pairloom/tables/options";
import { type Command, InvalidArgumentError, Option } from "commander";
import { addWebOptions, wholeNumber } from "./options.js";
import { badRowsOption, delimiterOption } from "./tableOptions.js";

/** What the options of `pairloom fetch` parse to. */
export interface FetchOptions {
  urlList?: string;
  inputFormat?: string;
  delimiter?: string;
  onBadRows: BadRows;
  urlCol: string;
  captionCol?: string | null;
  saveAdditionalColumns?: string[] | null;
  outputFolder: string;
  outputFormat: ListSettings["outputFormat"];
  numberSamplePerShard: number;
  oomShardCount: number;
  incrementalMode: ListSettings["incrementalMode"];
  imageSize: number;
  resizeMode: ListSettings["image"]["resizeMode"];
  resizeOnlyIfBigger: boolean;
  encodeFormat: ListSettings["image"]["encodeFormat"];
  encodeQuality?: number;
  skipReencode: boolean;
  minImageSize: number;
  maxImageArea?: number | null;
  maxAspectRatio?: number | null;
  extractExif: boolean;
  computeHash: ListSettings["computeHash"];
  verifyHash?: string[] | null;
  computePdq: boolean;
  codecs: ListSettings["image"]["codecs"];
  threadCount: number;
  timeout: number;
  retries: number;
  userAgentToken?: string | null;
  disallowedHeaderDirectives?: string[] | null;
  obeyRobots: boolean;
  obeyOptOuts: boolean;
  allowPrivate?: string[];
  contact?: string;
  hostGapMs?: number;
  addressGapMs?: number;
  redisUrl?: string;
  dir?: string;
  redisWait: number;
  retryFailed: boolean;
  json?: boolean;
}

const isNone = (text: string): boolean => text === "None" || text === "null";

/** `--flag`, `--flag=True`, `--flag False`. */
function truth(text: string): boolean {
  if (/^(true|1|yes)$/i.test(text)) return true;
  if (/^(false|0|no)$/i.test(text)) return false;
  throw new InvalidArgumentError(`expected True or False, got ${JSON.stringify(text)}`);
}

/** A list in JSON or Python's spelling (`["a","b"]`, `[a, b]`), or names with commas between; None is null. */
export function listOfNames(text: string): string[] | null {
  if (isNone(text)) return null;
  const inner = /^\s*[[(](.*)[\])]\s*$/s.exec(text)?.[1] ?? text;
  return inner
    .split(",")
    .map((name) => name.trim().replace(/^(["'])(.*)\1$/s, "$2"))
    .filter((name) => name !== "");
}

const nullable = (text: string): string | null => (isNone(text) ? null : text);

function amount(text: string): number | null {
  if (isNone(text) || /^\+?inf(inity)?$/i.test(text)) return null;
  const value = Number(text);
  if (text.trim() === "" || !(value > 0))
    throw new InvalidArgumentError(`expected a number above 0, got ${text}`);
  return value;
}

const oneOfOrNone =
  <T extends string>(names: readonly T[]) =>
  (text: string): T | null => {
    if (isNone(text)) return null;
    const name = names.find((known) => known === text);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`expected ${names.join(", ")} or None, got ${text}`);
  };

const flag = (name: string, says: string, fallback = false) =>
  new Option(`--${name} [bool]`, says).argParser(truth).preset("true").default(fallback);

/** Declares the options of `pairloom fetch`; img2dataset's first, by its names. */
export function addFetchOptions(command: Command): Command {
  for (const option of [
    new Option("--url-list <path>", "a list of URLs: a file, a folder or a glob, here or s3://…"),
    new Option(
      "--input-format <format>",
      `${tableFormats.join(", ")}, each with .gz or not (by the file's name)`,
    ),
    new Option("--url-col <name>", "the column of the URLs").default("url"),
    new Option("--caption-col <name>", "the column of the captions").argParser(nullable),
    new Option("--save-additional-columns <names>", "further columns to keep, as [a,b]").argParser(
      listOfNames,
    ),
    new Option("--output-folder <folder>", "where the shards go, here or s3://…").default("images"),
    new Option("--output-format <format>", "how pictures are stored").choices(outputFormats).default("files"),
    new Option("--number-sample-per-shard <n>", "rows of a shard").argParser(wholeNumber(1)).default(10_000),
    new Option("--oom-shard-count <n>", "digits of a shard's number").argParser(wholeNumber(1)).default(5),
    new Option("--incremental-mode <mode>", "what to do with shards that are there")
      .choices(incrementalModes)
      .default("incremental"),
    new Option("--image-size <pixels>", "the size to scale to").argParser(wholeNumber(1)).default(256),
    new Option("--resize-mode <mode>", "how to scale").choices(resizeModes).default("border"),
    flag("resize-only-if-bigger", "never enlarge"),
    new Option("--encode-format <format>", "format of stored pictures").choices(encodeFormats).default("jpg"),
    new Option(
      "--encode-quality <n>",
      "0–100, default 95; for png the compression level 0–9, default 6",
    ).argParser(wholeNumber(0)),
    flag("skip-reencode", "keep a file's bytes where nothing is to be done to it"),
    new Option("--min-image-size <pixels>", "shortest side that is taken")
      .argParser(wholeNumber(0))
      .default(0),
    new Option("--max-image-area <pixels>", "largest area that is taken").argParser(amount),
    new Option("--max-aspect-ratio <ratio>", "longer and thinner pictures are refused").argParser(amount),
    flag("extract-exif", "keep EXIF tags", true),
    new Option("--compute-hash <name>", "md5, sha256, sha512 or None: of the bytes as fetched")
      .argParser(oneOfOrNone(hashNames))
      .default("sha256"),
    new Option(
      "--verify-hash <names>",
      "[column, hash]: refuse bytes with another hash than the list's",
    ).argParser(listOfNames),
    new Option("--thread-count <n>", "requests under way at once").argParser(wholeNumber(1)).default(256),
    new Option("--timeout <seconds>", "wall clock of a request").argParser(Number).default(10),
    new Option("--retries <n>", "further attempts, where the failure may pass")
      .argParser(wholeNumber(0))
      .default(0),
    new Option(
      "--user-agent-token <token>",
      "our name in User-Agent and robots.txt (default pairloom)",
    ).argParser(nullable),
    new Option(
      "--disallowed-header-directives <names>",
      "X-Robots-Tag directives that refuse a picture; [] heeds none",
    ).argParser(listOfNames),
    // Not img2dataset's.
    delimiterOption(),
    badRowsOption(
      "what to do with a row that isn't of the list's form: stop before anything is fetched, or keep it as a failed row",
    ),
    flag("retry-failed", "fetch again the rows of finished shards that failed for a reason that may pass"),
    flag("compute-pdq", "keep PDQ hashes: columns pdq and pdq_quality"),
    new Option(
      "--codecs <choice>",
      "auto: libjpeg-turbo and libwebp where this machine has them; libvips: the same pixels on every machine",
    )
      .choices(codecChoices)
      .default("auto"),
    flag("obey-robots", "ask robots.txt", true),
    flag("obey-opt-outs", "heed opt-outs of every kind", true),
  ])
    command.addOption(option);
  addWebOptions(command);
  for (const option of [
    new Option("--redis-url <url>", "share host clocks with every process on this Redis (REDIS_URL)"),
    new Option("-d, --dir <folder>", "share host clocks with the project in this folder, in its Redis"),
    new Option("--redis-wait <seconds>", "how long a Redis that is away is waited for")
      .argParser(wholeNumber(1))
      .default(60),
  ])
    command.addOption(option);
  for (const option of ignoredOptions) command.addOption(option);
  return command;
}

/** Options of img2dataset that mean nothing here, taken so that its commands run unchanged. */
const ignoredOptions = [
  "processes-count",
  "distributor",
  "subjob-size",
  "max-shard-retry",
  "enable-wandb",
  "wandb-project",
].map((name) => new Option(`--${name} [value]`).hideHelp());

/** None as it was said: commander makes an empty text of a parser's null. */
const orNull = <T>(value: T | "" | null | undefined): T | null =>
  value === "" || value === undefined ? null : value;

/** The options as settings. @throws UserError "fetch_options" */
export function settingsOf(options: FetchOptions, env: NodeJS.ProcessEnv = process.env): ListSettings {
  const { inputFormat } = options;
  const verifyHash = orNull(options.verifyHash);
  if (verifyHash && verifyHash.length !== 2)
    throw wrong("--verify_hash needs a column and a hash, as [md5,md5]");
  const ending = inputFormat === undefined || isNone(inputFormat) ? null : inputFormat.toLowerCase();
  const contact = options.contact ?? env["PAIRLOOM_CONTACT"] ?? null;
  const given = listSettings.safeParse({
    urlList: options.urlList ?? "(finished shards)",
    inputFormat: ending === null ? null : (ending.replace(/\.gz$/, "") as TableFormat),
    inputEnding: ending,
    delimiter: options.delimiter ?? null,
    badRows: options.onBadRows,
    urlCol: options.urlCol,
    captionCol: orNull(options.captionCol),
    saveAdditionalColumns: orNull(options.saveAdditionalColumns) ?? [],
    outputFolder: options.outputFolder,
    outputFormat: options.outputFormat,
    numberSamplePerShard: options.numberSamplePerShard,
    oomShardCount: options.oomShardCount,
    incrementalMode: options.incrementalMode,
    computeHash: orNull(options.computeHash),
    verifyHash: verifyHash ? { column: verifyHash[0], hash: verifyHash[1] } : null,
    extractExif: options.extractExif,
    image: {
      imageSize: options.imageSize,
      resizeMode: options.resizeMode,
      resizeOnlyIfBigger: options.resizeOnlyIfBigger,
      encodeFormat: options.encodeFormat,
      encodeQuality: options.encodeQuality ?? (options.encodeFormat === "png" ? 6 : 95),
      skipReencode: options.skipReencode,
      minImageSize: options.minImageSize,
      maxImageArea: orNull(options.maxImageArea) ?? undefined,
      maxAspectRatio: orNull(options.maxAspectRatio) ?? undefined,
      computePdq: options.computePdq,
      codecs: options.codecs,
    },
    web: {
      contact,
      userAgentToken: orNull(options.userAgentToken) ?? undefined,
      optOutDirectives: orNull(options.disallowedHeaderDirectives) ?? undefined,
      obeyRobots: options.obeyRobots,
      obeyOptOuts: options.obeyOptOuts,
      allowPrivate: options.allowPrivate ?? [],
      hostGapMs: options.hostGapMs,
      addressGapMs: options.addressGapMs,
      timeoutMs: Math.round(options.timeout * 1000),
      retries: options.retries,
      concurrency: options.threadCount,
    },
  });
  if (given.success) return given.data;
  throw wrong(
    given.error.issues
      .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
      .join("; "),
  );
}

const wrong = (message: string) =>
  new UserError("fetch_options", message, { hint: "pairloom fetch --help shows every option.", exitCode: 2 });
