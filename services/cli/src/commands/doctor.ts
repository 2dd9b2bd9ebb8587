import { mkdtemp, rm, statfs } from "node:fs/promises";
import { availableParallelism, freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pairloom/config";
import type { Command } from "commander";
import { cacheDir, redisOptions } from "../project/environment.js";
import { outputColours } from "../terminal/outputColours.js";
import { createSay } from "../terminal/say.js";
import { jsonOption } from "./options.js";

interface Finding {
  name: string;
  /** "no" fails the command; "note" doesn't. */
  state: "ok" | "note" | "no";
  says: string;
}

/** `pairloom doctor`: what works here, and how to mend what doesn't. */
export function addDoctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("check Node, Redis, engines, disk and picture formats")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ pairloom doctor\n")
    .action(async (options: { json?: boolean }) => {
      const say = createSay(options.json ?? false);
      const findings = [
        checkNode(),
        ...(await checkRedis()),
        ...(await checkEngines()),
        await checkDisk(),
        await checkFormats(),
        await checkCodecs(),
      ];
      const { green, yellow, red } = outputColours();
      const sign = { ok: green("✓"), note: yellow("•"), no: red("✗") };
      const healthy = findings.every(({ state }) => state !== "no");
      say.result(
        { healthy, findings },
        findings.map(({ name, state, says }) => `  ${sign[state]} ${name.padEnd(18)} ${says}`).join("\n"),
      );
      if (!healthy) throw new UserError("not_healthy", "Something pairloom needs is missing: see ✗ above");
    });
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const fits = major > 20 || (major === 20 && minor >= 19);
  return {
    name: "Node",
    state: fits ? "ok" : "no",
    says: fits
      ? `${process.versions.node}, ${availableParallelism()} cores, ${(freemem() / 2 ** 30).toFixed(1)} GiB free`
      : `${process.versions.node} is too old: 20.19 or newer is needed`,
  };
}

async function checkRedis(): Promise<Finding[]> {
  const { openRedis } = await import("@pairloom/queue");
  const dir = await mkdtemp(join(tmpdir(), "pairloom-doctor-"));
  try {
    const redis = await openRedis({ dir, ...redisOptions() });
    const connection = redis.connect();
    const info = await connection.info("server");
    await redis.close();
    const version = /(?:valkey|redis)_version:(\S+)/.exec(info)?.[1] ?? "?";
    const says = redis.kind === "url" ? `${version} at ${redis.where}` : `${version}, started privately`;
    return [
      { name: "Redis", state: "ok", says },
      ...redis.warnings.map((warning): Finding => ({ name: "Redis", state: "note", says: warning })),
    ];
  } catch (error) {
    const hint = error instanceof UserError && error.hint !== null ? ` ${error.hint}` : "";
    return [{ name: "Redis", state: "no", says: `${(error as Error).message}.${hint}` }];
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function checkEngines(): Promise<Finding[]> {
  const { listEngines } = await import("@pairloom/engine");
  const engines = await listEngines({ cacheDir: cacheDir() });
  const any = engines.some(({ available }) => available);
  return engines.map(({ name, available, version, why }) => ({
    name: `engine ${name}`,
    state: available ? "ok" : any ? "note" : "no",
    says: available ? (version ?? "") : (why ?? "not there"),
  }));
}

async function checkDisk(): Promise<Finding> {
  const { bavail, bsize } = await statfs(process.cwd());
  const freeGb = (bavail * bsize) / 1e9;
  return {
    name: "disk",
    state: freeGb < 1 ? "no" : freeGb < 10 ? "note" : "ok",
    says: `${freeGb.toFixed(1)} GB free here${freeGb < 10 ? "; a million pairs at 256 px take about 20 GB" : ""}`,
  };
}

async function checkFormats(): Promise<Finding> {
  const { pictureFormats } = await import("@pairloom/image");
  const formats = await pictureFormats();
  const missing = formats.filter(({ works }) => !works).map(({ name }) => name);
  return {
    name: "picture formats",
    state: missing.length === 0 ? "ok" : "no",
    says:
      missing.length === 0
        ? formats.map(({ name }) => name).join(", ")
        : `missing: ${missing.join(", ")}; install sharp again (npm ci)`,
  };
}

async function checkCodecs(): Promise<Finding> {
  const { openCodecs } = await import("@pairloom/image");
  const codecs = await openCodecs();
  const found = Object.entries(codecs?.libraries ?? { "libjpeg-turbo": false, libwebp: false });
  const missing = found.filter(([, isThere]) => !isThere).map(([name]) => name);
  const how =
    process.platform === "darwin" ? "brew install jpeg-turbo webp" : "apt-get install libturbojpeg0 libwebp7";
  return {
    name: "faster codecs",
    state: missing.length === 0 ? "ok" : "note",
    says:
      missing.length === 0
        ? found.map(([name]) => name).join(", ")
        : `without ${missing.join(" and ")}; with them pictures take two thirds of the time (${how})`,
  };
}
