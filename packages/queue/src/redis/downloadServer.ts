import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm } from "node:fs/promises";
import { arch, homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram, usualSearchPath, type ServerProgram } from "./findServer.js";

const run = promisify(execFile);

export interface DownloadOptions {
  /** Where unpacked servers are kept; `~/.cache/pairloom/redis` by default. */
  cacheFolder?: string | undefined;
  /** Where apt-get and dpkg are looked for. */
  toolPath?: string | undefined;
  /** dpkg's list of installed packages, if it isn't the system's. */
  statusFile?: string | undefined;
}

const serverPackages = ["redis-server", "valkey-server"];
const commandTimeoutMs = 180_000;

/**
 * A Redis server from the packages of Debian or Ubuntu, unpacked into a cache folder: nothing is installed and no
 * rights are needed. The package lists are fetched anew into a folder of their own, since slim images have none.
 * @returns the program, from the cache where it was unpacked before, or why it cannot be had
 */
export async function downloadServer(
  options: DownloadOptions,
  log: (message: string) => void,
): Promise<ServerProgram | { failure: string }> {
  const cacheFolder = options.cacheFolder ?? join(homedir(), ".cache", "pairloom", "redis");
  const home = join(cacheFolder, await systemName());
  const cached = await unpackedProgram(home);
  if (cached !== null) return cached;
  const toolPath = options.toolPath ?? usualSearchPath;
  const [aptGet, aptCache, dpkg] = await Promise.all(
    ["apt-get", "apt-cache", "dpkg"].map((name) => findProgram(name, toolPath)),
  );
  if (!aptGet || !aptCache || !dpkg) {
    return { failure: "this is not a Debian or Ubuntu (there is no apt-get and dpkg)" };
  }
  log("Redis is not installed: fetching its package (about 10 MB, once)");
  let work: string | null = null;
  try {
    await mkdir(cacheFolder, { recursive: true });
    work = await mkdtemp(join(cacheFolder, "work-"));
    await unpackPackages(work, { aptGet, aptCache, dpkg }, options.statusFile);
    const unpacked = join(work, "unpacked");
    const program = await unpackedProgram(unpacked);
    if (program === null) return { failure: "the package holds no server" };
    await run(program.path, ["--version"], {
      env: { LD_LIBRARY_PATH: program.libraryPath ?? "" },
      timeout: 10_000,
    });
    // Of two that fetch at once the first to arrive wins.
    await rename(unpacked, home).catch(() => undefined);
    return (await unpackedProgram(home)) ?? { failure: `${home} could not be written` };
  } catch (error) {
    return { failure: reasonOf(error) };
  } finally {
    if (work !== null) await rm(work, { recursive: true, force: true });
  }
}

/** Which packages fit together depends on these: a home folder may be shared by several machines. */
async function systemName(): Promise<string> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)`, "m").exec(release)?.[1] ?? "unknown";
  return `${field("ID")}-${field("VERSION_ID")}-${arch()}`.replaceAll(/[^\w.-]/g, "_");
}

async function unpackPackages(
  work: string,
  tools: { aptGet: string; aptCache: string; dpkg: string },
  statusFile: string | undefined,
): Promise<void> {
  for (const folder of ["lists/partial", "cache/archives/partial", "packages", "unpacked"]) {
    await mkdir(join(work, folder), { recursive: true });
  }
  const settings = {
    "Dir::State::Lists": join(work, "lists"),
    "Dir::Cache": join(work, "cache"),
    "Debug::NoLocking": "1",
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": "2",
    "Acquire::http::Timeout": "30",
    "Acquire::https::Timeout": "30",
    ...(statusFile === undefined ? {} : { "Dir::State::status": statusFile }),
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const apt: Apt = (tool, ...args) =>
    run(tool === "get" ? tools.aptGet : tools.aptCache, ["-q", ...flags, ...args], {
      cwd: join(work, "packages"),
      timeout: commandTimeoutMs,
      maxBuffer: 20_000_000,
    });
  await apt("get", "update");
  const names = await packagesToFetch(apt);
  await apt("get", "download", ...names);
  for (const file of await readdir(join(work, "packages"))) {
    await run(tools.dpkg, ["-x", join(work, "packages", file), join(work, "unpacked")], {
      timeout: commandTimeoutMs,
    });
  }
}

type Apt = (tool: "get" | "cache", ...args: string[]) => Promise<{ stdout: string }>;

/** The server's packages, and the libraries that an installation would bring with them. */
async function packagesToFetch(apt: Apt): Promise<string[]> {
  const { stdout } = await apt("cache", "pkgnames");
  const known = new Set(stdout.split("\n"));
  const server = serverPackages.find((name) => known.has(name));
  if (server === undefined) throw new Error(`apt's sources have no ${serverPackages.join(" and no ")}`);
  const tools = server.replace("-server", "-tools");
  const libraries = await missingLibraries(apt, server).catch(() => directLibraries(apt, server, tools));
  return [server, tools, ...libraries];
}

/** As apt's own resolver sees it. It refuses where the system's packages are broken or held back. */
async function missingLibraries(apt: Apt, server: string): Promise<string[]> {
  const { stdout } = await apt("get", "install", "--simulate", "--no-install-recommends", server);
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] ?? "").filter(isLibrary);
}

async function directLibraries(apt: Apt, ...packages: string[]): Promise<string[]> {
  const { stdout } = await apt("cache", "depends", "--important", ...packages);
  const names = [...stdout.matchAll(/^ *\|?(?:Pre)?Depends: (\S+)/gm)].map((match) => match[1] ?? "");
  return [...new Set(names.filter(isLibrary))];
}

/** Never libc itself: it must be the one that the running loader belongs to. */
const isLibrary = (name: string) => /^lib(?!c6|c-)/.test(name);

async function unpackedProgram(home: string): Promise<ServerProgram | null> {
  for (const name of serverPackages) {
    const path = join(home, "usr", "bin", name);
    try {
      await access(path);
    } catch {
      continue;
    }
    const folders = await libraryFolders(home);
    return { path, libraryPath: folders.length === 0 ? null : folders.join(":") };
  }
  return null;
}

async function libraryFolders(home: string): Promise<string[]> {
  const found = new Set<string>();
  for (const root of [join(home, "usr", "lib"), join(home, "lib")]) {
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])) {
      if (/^lib.*\.so(\.|$)/.test(entry.name)) found.add(entry.parentPath);
    }
  }
  return [...found].sort();
}

function reasonOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  const lines = (stderr ?? "").split("\n").filter((line) => /^E:|error/i.test(line));
  return lines.length > 0 ? lines.slice(0, 3).join("; ") : (message ?? String(error));
}
