import { z } from "zod";

/** What a list names: bytes, pictures and all that look like them, hosts with their subdomains, URLs. */
export const barKinds = ["sha256", "pdq", "domain", "url"] as const;
export type BarKind = (typeof barKinds)[number];

/** One line of `lists/<sha256>.jsonl.gz`. Hashes are 64 lower-case hex digits. */
export const barEntry = z.strictObject({ kind: z.enum(barKinds), value: z.string().min(1) });
export type BarEntry = z.infer<typeof barEntry>;

/** A list that a release obeys, fixed by its content. */
export const barListRef = z.strictObject({
  /** "blocklist": abuse imagery, take-downs; "decontaminate": pictures that a model will be evaluated on. */
  use: z.enum(["blocklist", "decontaminate"]),
  /** Base name of the file or folder that it came from: for people. */
  name: z.string(),
  /** Of its entries in byte order, one a line: "KIND VALUE\n". */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Entries by kind. */
  entries: z.strictObject({ sha256: z.int(), pdq: z.int(), domain: z.int(), url: z.int() }),
});
export type BarListRef = z.infer<typeof barListRef>;
