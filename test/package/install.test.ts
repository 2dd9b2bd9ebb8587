import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dashboardUrl } from "../road/pairloom.js";
import { bytesBelow, run, start, strangersProject } from "./installation.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
let folder: string;
let project: string;
let tarball: string;

/** What npm said where an installation failed. */
const install = async (args: string[], cwd: string) => {
  const ran = await run("npm", ["install", "--no-fund", "--no-audit", ...args], cwd);
  if (ran.code !== 0) throw new Error(`npm install ended with ${ran.code}:\n${ran.stderr}`);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pairloom-package-"));
  const packed = await run(process.execPath, ["infra/package/pack.mjs", folder], root);
  if (packed.code !== 0) throw new Error(packed.stderr);
  const { version } = JSON.parse(await readFile(join(root, "services/cli/package.json"), "utf8")) as {
    version: string;
  };
  tarball = join(folder, `pairloom-${version}.tgz`);
  project = join(folder, "project");
  await strangersProject(project);
  await install([tarball], project);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The installed command, in the folder of whoever installed it. */
const pairloom = (...args: string[]) => run(join(project, "node_modules/.bin/pairloom"), args, project);

describe("the tarball, installed into somebody's project (with a tsconfig.json that can't be built)", () => {
  it("starts: --version, --help, the help of a command, doctor", async () => {
    const version = await pairloom("--version");
    expect(version).toMatchObject({ code: 0, stderr: "" });
    expect(tarball).toContain(`-${version.stdout.trim()}.tgz`);
    expect((await pairloom("--help")).stdout).toContain("the funnel and the queues");
    expect((await pairloom("train", "--help")).stdout).toContain("--evaluate-data");
    const doctor = await pairloom("doctor", "--json");
    expect(doctor.code, doctor.stderr).toBe(0);
    const { findings } = JSON.parse(doctor.stdout) as { findings: { name: string; state: string }[] };
    expect(findings.find(({ name }) => name === "engine wasm")?.state).toBe("ok");
  });

  it("is 250 MB with its libraries at most, and brings no engine that most machines can't use", async () => {
    expect(await bytesBelow(join(project, "node_modules"))).toBeLessThan(250e6);
    const names = await readdir(join(project, "node_modules"), { recursive: true });
    for (const absent of [/tfjs-node/, /node_modules\/webgpu$|^webgpu$/, /onnxruntime/])
      expect(names.filter((name) => absent.test(name))).toEqual([]);
  });

  it("holds every file that its packages publish, README and LICENSE", async () => {
    const inside = join(project, "node_modules/pairloom");
    for (const name of ["README.md", "LICENSE", "NOTICE"])
      expect((await stat(join(inside, name))).size).toBeGreaterThan(0);
    const manifest = JSON.parse(await readFile(join(inside, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
      bundleDependencies: string[];
    };
    const ours = Object.keys(manifest.dependencies).filter((name) => name.startsWith("@pairloom/"));
    expect(ours.filter((name) => !manifest.bundleDependencies.includes(name))).toEqual([]);
    for (const room of ["packages", "services"])
      for (const name of await readdir(join(root, room))) {
        const own = JSON.parse(await readFile(join(root, room, name, "package.json"), "utf8")) as {
          name: string;
          files: string[];
        };
        const place = own.name === "pairloom" ? inside : join(inside, "node_modules", own.name);
        for (const file of own.files) await stat(join(place, file));
      }
  });

  it("runs the demo to its end: queues, decoders, threads, wasm, tokenizer, report", async () => {
    const dir = join(folder, "demo");
    const few = ["--scale", "0.1", "--steps", "3", "--engine", "wasm"];
    const demo = await pairloom("demo", "--dir", dir, ...few, "--json");
    expect(demo.code, demo.stderr).toBe(0);
    const report = JSON.parse(demo.stdout.trimEnd().split("\n").at(-1)!) as {
      release: { train: { samples: number } };
      paths: { report: string };
    };
    expect(report.release.train.samples).toBeGreaterThan(300);
    expect(await readFile(report.paths.report, "utf8")).toContain("<html");
    expect((await readFile(join(dir, "demo-queries.txt"), "utf8")).split("\n")).toContain("red star");
  });

  it("`up` on a new folder serves the dashboard and every file that its pages name", async () => {
    const dir = join(folder, "new");
    const up = start(
      join(project, "node_modules/.bin/pairloom"),
      ["up", "--dir", dir, "--port", "0"],
      project,
    );
    const ended = new Promise((resolve) => up.on("close", resolve));
    try {
      const url = await dashboardUrl(up);
      const text = async (path: string) => {
        const answer = await fetch(new URL(path, url));
        expect(answer.status, path).toBe(200);
        return answer.text();
      };
      const page = await text("/");
      const named = page.match(/\/(?:assets|vendor)\/[\w.-]+/g) ?? [];
      expect(named.length).toBeGreaterThan(5);
      const modules = new Set<string>(named);
      for (const path of modules)
        for (const [, imported] of (await text(path)).matchAll(/from "\.\/([\w.-]+\.js)"/g))
          if (path.startsWith("/assets/")) modules.add(`/assets/${imported!}`);
      expect(modules.size).toBeGreaterThan(15);
      await text("/queues");
      expect(JSON.parse(await text("/api/status"))).toMatchObject({ dir, idle: true });
    } finally {
      up.kill("SIGTERM");
      await ended;
    }
  });
});

it("the tarball installs globally without anybody's install scripts", async () => {
  const prefix = join(folder, "global");
  await install(["--global", "--prefix", prefix, "--ignore-scripts", tarball], folder);
  const at = (...args: string[]) => run(join(prefix, "bin/pairloom"), args, folder);
  expect((await at("--version")).code).toBe(0);
  const tokens = await at("tokenize", "--json", join(root, "LICENSE"));
  expect(tokens.code, tokens.stderr).toBe(0);
  const doctor = await at("doctor");
  expect(doctor.code, doctor.stderr).toBe(0);
});
