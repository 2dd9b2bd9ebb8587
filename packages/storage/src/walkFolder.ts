import { readdir, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** Everything in a folder and below. Paths count from the folder, with "/". */
export interface FolderWalk {
  /** Folder by folder in the order of their paths, and in each by name, by code points: as torchvision's ImageFolder lists them. */
  files: string[];
  /** What is passed over, and why. */
  problems: {
    path: string;
    problem: "a link that leads nowhere" | "a link that leads back" | "unreadable" | "no file";
  }[];
}

/** Orders texts by code points, as Python does. JavaScript's own order is that of UTF-16, another one beyond U+FFFF. */
export const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/**
 * Lists the files of a folder and those below it. Links to files and folders are followed; one that leads to a folder above
 * itself ends there, and so does the folder if it is such a link (its own path is "" then).
 */
export async function walkFolder(folder: string): Promise<FolderWalk> {
  const above = await foldersAbove(folder);
  if (above.has(identityOf(await stat(folder))))
    return { files: [], problems: [{ path: "", problem: "a link that leads back" }] };
  const folders: { path: string; files: string[] }[] = [];
  const problems: FolderWalk["problems"] = [];
  const visit = async (path: string, above: ReadonlySet<string>): Promise<void> => {
    const chain = new Set([...above, identityOf(await stat(join(folder, path)))]);
    const own: { path: string; files: string[] } = { path, files: [] };
    folders.push(own);
    for (const entry of await readdir(join(folder, path), { withFileTypes: true })) {
      const below = path === "" ? entry.name : `${path}/${entry.name}`;
      if (entry.isFile()) own.files.push(entry.name);
      else if (!entry.isDirectory() && !entry.isSymbolicLink())
        problems.push({ path: below, problem: "no file" });
      else {
        try {
          const target = await stat(join(folder, below));
          if (target.isFile()) own.files.push(entry.name);
          else if (!target.isDirectory()) problems.push({ path: below, problem: "no file" });
          else if (chain.has(identityOf(target)))
            problems.push({ path: below, problem: "a link that leads back" });
          else await visit(below, chain);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          const isDangling =
            entry.isSymbolicLink() && (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR");
          problems.push({ path: below, problem: isDangling ? "a link that leads nowhere" : "unreadable" });
        }
      }
    }
  };
  await visit("", above);
  folders.sort((a, b) => byCodePoint(a.path, b.path));
  problems.sort((a, b) => byCodePoint(a.path, b.path));
  return {
    files: folders.flatMap(({ path, files }) =>
      files.sort(byCodePoint).map((name) => (path === "" ? name : `${path}/${name}`)),
    ),
    problems,
  };
}

const identityOf = ({ dev, ino }: { dev: number; ino: number }): string => `${dev}:${ino}`;

/** The folders above one: by its path, and by where its links lead. */
async function foldersAbove(folder: string): Promise<Set<string>> {
  const above = new Set<string>();
  for (let path of [resolve(folder), await realpath(folder)])
    while (path !== dirname(path)) {
      path = dirname(path);
      above.add(identityOf(await stat(path)));
    }
  return above;
}
