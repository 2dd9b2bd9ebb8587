import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { pictureExtensions } from "@pairloom/config";
import type { Store } from "@pairloom/storage";
import { type MemberGroup, MemberGrouper, placeOfMember } from "../reader/groupSamples.js";
import type { NoteKind } from "../reader/quarantine.js";
import { TarScanner } from "../tar/tarScanner.js";
import type { ReleaseProblem, Report } from "./problem.js";

/** Looks at a picture's bytes; a string says what is wrong with it. */
export type PictureCheck = (picture: Buffer, extension: string) => string | null | Promise<string | null>;

const pictures: ReadonlySet<string> = new Set(pictureExtensions);

/** Whether a member with this extension is a picture. */
export const isPicture = (extension: string): boolean => pictures.has(extension);

/** The first bytes of the formats that a shard may hold. */
const signatures: Record<string, RegExp> = {
  jpg: /^\xff\xd8\xff/,
  jpeg: /^\xff\xd8\xff/,
  png: /^\x89PNG\r\n\x1a\n/,
  webp: /^RIFF[^]{4}WEBP/,
  gif: /^GIF8[79]a/,
  avif: /^[^]{4}ftyp/,
  tif: /^(?:II\*\0|MM\0\*)/,
  tiff: /^(?:II\*\0|MM\0\*)/,
};

/** Whether the first bytes are those of the format that the name claims. */
export function checkSignature(picture: Buffer, extension: string): string | null {
  const matches = signatures[extension]?.test(picture.toString("latin1", 0, 16)) === true;
  return matches ? null : `its bytes are no ${extension}`;
}

/** Whether the first bytes are those of any picture: other programs may name all of them `.jpg`. */
export function checkAnySignature(picture: Buffer): string | null {
  const start = picture.toString("latin1", 0, 16);
  return Object.values(signatures).some((one) => one.test(start)) ? null : "its bytes are no picture";
}

/** webdataset's key of `folder/.name` is `folder/`, where that folder has no dot in its name. */
const isSampleElsewhere = /(?:^|\/)[^./]+\/\.[^/]*$/;

/** Told what is passed over without a sample being lost. */
export type OnNote = (kind: NoteKind) => void;

/** What is wrong with one sample. */
export type SampleProblem = [kind: ReleaseProblem["kind"], says: string];

export interface ScannedTar {
  /** In the order of the tar. */
  keys: string[];
  bytes: number;
  sha256: string;
  md5: string;
}

/**
 * Reads a tar to its end: reports what is wrong with its structure, and what `check` and `checkPicture` say of each
 * sample, in the order of the tar. Samples that came in one piece are checked at once.
 * @throws BlobNotFoundError
 */
export async function scanShard(
  store: Store,
  tar: string,
  check: (group: MemberGroup) => SampleProblem[],
  checkPicture: PictureCheck,
  report: Report,
  onBytes: (bytes: number, samples: number) => void = () => {},
  onNote: OnNote = () => {},
): Promise<ScannedTar> {
  const scanned: ScannedTar = { keys: [], bytes: 0, sha256: "", md5: "" };
  const [sha256, md5] = [createHash("sha256"), createHash("md5")];
  const grouper = new MemberGrouper();
  let lastKey = "";
  /** What stood since the last sample's member that webdataset takes for a sample of its own. */
  let between: string | null = null;
  const checkName = (name: string) => {
    const place = placeOfMember(name);
    if (place === "no_key") report("pairing", tar, `${name} has no key`);
    if (place === "macos_file") onNote(place);
    if (place === "meta" && isPicture(name.slice(name.lastIndexOf(".") + 1).toLowerCase()))
      report("pairing", tar, `${name} is no sample: readers take __…__ for notes of the tar's own`);
    if (typeof place === "string") {
      if (isSampleElsewhere.test(name)) between = name;
      return;
    }
    const { key } = place;
    if (between !== null && key === lastKey)
      report(
        "pairing",
        tar,
        `${between} stands between the members of ${key}: webdataset makes two samples of them`,
        key,
      );
    [lastKey, between] = [key, null];
  };
  const scanner = new TarScanner({
    onProblem: ({ kind, offset, says, hint = "" }) =>
      report("tar", tar, kind === "foreign" ? `${says}. ${hint}` : `${says} (byte ${offset})`),
  });
  const checkAll = async (groups: MemberGroup[]) => {
    const wrong = groups.map(async (group): Promise<SampleProblem[]> => {
      const problems = check(group);
      for (const [extension, data] of group.members) {
        if (!isPicture(extension)) continue;
        const says = await checkPicture(data, extension);
        if (says !== null) problems.push(["picture", `${group.key}.${extension}: ${says}`]);
      }
      return problems;
    });
    for (const [i, problems] of (await Promise.all(wrong)).entries()) {
      const { key } = groups[i] as MemberGroup;
      scanned.keys.push(key);
      for (const [kind, says] of problems) report(kind, tar, says, key);
    }
  };
  for await (const piece of await store.read(tar)) {
    const chunk = piece as Buffer;
    sha256.update(chunk);
    md5.update(chunk);
    scanned.bytes += chunk.length;
    const entries = scanner.push(chunk);
    for (const { name } of entries) checkName(name);
    await checkAll(grouper.push(entries));
    onBytes(chunk.length, scanned.keys.length);
  }
  scanner.end();
  await checkAll(grouper.end());
  return { ...scanned, sha256: sha256.digest("hex"), md5: md5.digest("hex") };
}
