import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parsePythonJson, pictureName, UserError } from "@pairloom/config";
import { MemberGrouper, scanTar, type TarProblem } from "@pairloom/shards";
import { byCodePoint, walkFolder } from "@pairloom/storage";

/** A picture of an evaluation set, or what its sidecar (KEY.json) says of it. */
export type EvaluationItem = { from: string } & (
  { picture: Buffer } | { sidecar: { sha256?: unknown; pdq?: unknown } }
);

const isTar = /\.tar$/i;

/**
 * The pictures of a folder (its subfolders and tars included, links followed) or of a tar, in byte order of their paths. Of a webdataset's
 * samples the sidecars come too: they name the original's hashes, which a stored picture with a border around it no longer has.
 * @throws UserError where a tar is damaged, or a link leads nowhere
 */
export async function* evaluationPictures(path: string): AsyncGenerator<EvaluationItem, void> {
  if (isTar.test(path)) return yield* picturesOfTar(path);
  const { files, problems } = await walkFolder(path);
  // A picture that is passed over here would not be kept out of a release.
  const lost = problems.find(({ problem }) => problem !== "a link that leads back");
  if (lost !== undefined)
    throw new UserError("list_damaged", `${join(path, lost.path)} can't be read: ${lost.problem}`, {
      hint: "Mend or remove it.",
    });
  for (const file of files.sort(byCodePoint).map((name) => join(path, name))) {
    if (isTar.test(file)) yield* picturesOfTar(file);
    else if (pictureName.test(file)) yield { from: file, picture: await readFile(file) };
  }
}

async function* picturesOfTar(path: string): AsyncGenerator<EvaluationItem, void> {
  const problems: TarProblem[] = [];
  const grouper = new MemberGrouper();
  const members = scanTar(createReadStream(path), { onProblem: (problem) => problems.push(problem) });
  for await (const member of members)
    for (const group of grouper.push([member])) yield* itemsOf(path, group.key, group.members);
  for (const group of grouper.end()) yield* itemsOf(path, group.key, group.members);
  const [problem] = problems.filter(({ kind }) => kind !== "no_end");
  if (problem !== undefined)
    throw new UserError("list_damaged", `${path} is damaged at byte ${problem.offset}: ${problem.says}`, {
      ...(problem.hint === undefined ? {} : { hint: problem.hint }),
    });
}

function* itemsOf(
  path: string,
  key: string,
  members: ReadonlyMap<string, Buffer>,
): Generator<EvaluationItem> {
  for (const [extension, data] of members) {
    const from = `${path}: ${key}.${extension}`;
    if (pictureName.test(`.${extension}`)) yield { from, picture: data };
    if (extension !== "json") continue;
    try {
      const sidecar = parsePythonJson(data.toString("utf8"));
      if (sidecar !== null && typeof sidecar === "object") yield { from, sidecar };
    } catch {
      // A sidecar that is no JSON says nothing of a hash.
    }
  }
}
