import { imageSettings, webSettings } from "@pairloom/config";
import { badRowChoices, tableFormats } from "@pairloom/tables/options";
import { z } from "zod";

export const outputFormats = ["webdataset", "files", "parquet"] as const;
export const incrementalModes = ["incremental", "overwrite", "extend"] as const;
export const hashNames = ["md5", "sha256", "sha512"] as const;
export type HashName = (typeof hashNames)[number];

/** Columns that are ours to fill; an additional column can't be named so. */
const reservedColumns = new Set([
  "key",
  "caption",
  "url",
  "width",
  "height",
  "original_width",
  "original_height",
  "status",
  "error_message",
  "exif",
  "pdq",
  "pdq_quality",
  ...hashNames,
]);

/** Everything that shapes a URL list's way to shards: img2dataset's options, in our spelling. */
export const listSettings = z
  .strictObject({
    /** A file, a folder or a glob. */
    urlList: z.string().min(1),
    /** Null: by each file's name. */
    inputFormat: z.enum(tableFormats).nullable().default(null),
    /** In a folder only files that end so are read ("csv.gz"); null: every list. */
    inputEnding: z.string().nullable().default(null),
    /** What separates the columns of csv and tsv lists; null: by their format, or else by their first line. */
    delimiter: z.string().length(1).nullable().default(null),
    /** What is done about a row that isn't of its list's form. */
    badRows: z.enum(badRowChoices).default("error"),
    urlCol: z.string().min(1).default("url"),
    captionCol: z.string().nullable().default(null),
    saveAdditionalColumns: z.array(z.string().min(1)).default([]),
    outputFolder: z.string().min(1),
    outputFormat: z.enum(outputFormats).default("files"),
    numberSamplePerShard: z.int().min(1).max(10_000_000).default(10_000),
    /** Digits of a shard's number. */
    oomShardCount: z.int().min(1).max(12).default(5),
    incrementalMode: z.enum(incrementalModes).default("incremental"),
    computeHash: z.enum(hashNames).nullable().default("sha256"),
    /** The column of the list that holds the hash of the bytes, and which hash it is. */
    verifyHash: z
      .strictObject({ column: z.string().min(1), hash: z.enum(hashNames) })
      .nullable()
      .default(null),
    extractExif: z.boolean().default(true),
    image: imageSettings,
    web: webSettings,
  })
  .superRefine((settings, context) => {
    const issue = (message: string) => context.addIssue({ code: "custom", message });
    const taken = settings.saveAdditionalColumns.filter((name) => reservedColumns.has(name));
    if (taken.length > 0) issue(`--save_additional_columns can't have ${taken.join(", ")}: written anyway`);
    if (settings.verifyHash !== null && settings.verifyHash.hash !== settings.computeHash)
      issue(
        `--verify_hash checks ${settings.verifyHash.hash}, so --compute_hash must be that too (it is ${settings.computeHash ?? "none"})`,
      );
    if (settings.image.encodeFormat === "png" && settings.image.encodeQuality > 9)
      issue(
        `For png --encode_quality is the compression level, 0 to 9; it is ${settings.image.encodeQuality}`,
      );
  });
export type ListSettings = z.infer<typeof listSettings>;
