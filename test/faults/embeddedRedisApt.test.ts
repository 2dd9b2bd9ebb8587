import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRedis } from "@pairloom/queue";
import { afterAll, describe, expect, test } from "vitest";

/** Redis from the distribution's packages: needs Debian or Ubuntu and its package servers. */
const reason = whyNot();
if (reason !== null) console.warn(`Skipped: ${reason}`);

const work = mkdtempSync(join(tmpdir(), "apt-redis-"));
afterAll(() => rmSync(work, { recursive: true }));

/** The system's list of packages as it would be without Redis and the libraries that come with it. */
function statusWithoutRedis(): string {
  const path = join(work, "status");
  const packages = readFileSync("/var/lib/dpkg/status", "utf8").split("\n\n");
  const others = packages.filter((text) => !/^Package: (redis|valkey|liblzf1|libjemalloc2)/m.test(text));
  writeFileSync(path, others.join("\n\n"));
  chmodSync(path, 0o644);
  return path;
}

describe.skipIf(reason !== null)("Redis from the distribution's packages", () => {
  test("is fetched and runs where none is installed, with the libraries that are missing", async () => {
    const cacheFolder = join(work, "cache");
    const download = { cacheFolder, statusFile: statusWithoutRedis() };
    const said: string[] = [];
    const redis = await openRedis({
      dir: join(work, "project"),
      searchPath: "",
      download,
      log: (message) => said.push(message),
    });
    const server = await redis.connect().info("server");
    expect(/executable:(.*)/.exec(server)?.[1]).toContain(cacheFolder);
    await redis.close();
    const files = readdirSync(cacheFolder, { recursive: true }).map(String);
    expect(files.filter((file) => /liblzf\.so|libjemalloc\.so/.test(file))).not.toEqual([]);
    expect(files.filter((file) => /libc\.so|work-/.test(file))).toEqual([]);
    expect(said).toHaveLength(1);

    const again = await openRedis({
      dir: join(work, "project"),
      searchPath: "",
      download: { ...download, toolPath: "" },
    });
    expect(await again.connect().ping()).toBe("PONG");
    await again.close();
  });

  test.skipIf(process.getuid?.() !== 0 || !isReadableByAll())("needs no rights", () => {
    const home = join(work, "home");
    const nobody = 65534;
    const status = statusWithoutRedis();
    chmodSync(work, 0o755);
    execFileSync("mkdir", [home]);
    chownSync(home, nobody, nobody);
    const script = `
      import { openRedis } from "@pairloom/queue";
      const redis = await openRedis({
        dir: ${JSON.stringify(join(home, "project"))}, searchPath: "",
        download: { cacheFolder: ${JSON.stringify(join(home, "cache"))}, statusFile: ${JSON.stringify(status)} },
      });
      console.log(await redis.connect().ping());
      await redis.close();`;
    const answer = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      uid: nobody,
      gid: nobody,
      env: { HOME: home, PATH: "/usr/bin:/bin" },
      encoding: "utf8",
    });
    expect(answer.trim()).toBe("PONG");
  });
});

test("two that fetch at once both get a server", { skip: reason !== null }, async () => {
  const download = { cacheFolder: join(work, "shared-cache") };
  const handles = await Promise.all(
    ["one", "two"].map((name) => openRedis({ dir: join(work, name), searchPath: "", download })),
  );
  expect(await Promise.all(handles.map((handle) => handle.connect().ping()))).toEqual(["PONG", "PONG"]);
  await Promise.all(handles.map((handle) => handle.close()));
});

function whyNot(): string | null {
  if (!existsSync("/usr/bin/apt-get") || !existsSync("/var/lib/dpkg/status")) {
    return "this is not a Debian or Ubuntu";
  }
  try {
    const folder = mkdtempSync(join(tmpdir(), "apt-probe-"));
    try {
      execFileSync("mkdir", ["-p", join(folder, "lists/partial"), join(folder, "cache/archives/partial")]);
      execFileSync(
        "apt-get",
        [
          "-q",
          ...["-o", `Dir::State::Lists=${folder}/lists`, "-o", `Dir::Cache=${folder}/cache`],
          ...["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1", "-o", "Acquire::http::Timeout=10"],
          ...["-o", "APT::Update::Error-Mode=any", "update"],
        ],
        { stdio: "pipe", timeout: 60_000 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  } catch {
    return "apt's package servers cannot be reached";
  }
  return null;
}

function isReadableByAll(): boolean {
  try {
    execFileSync("ls", [new URL("../../node_modules/@pairloom/queue/dist", import.meta.url).pathname], {
      uid: 65534,
      stdio: "pipe",
    });
    return true;
  } catch {
    return false;
  }
}
