import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readOrStartProject, readProjectFile } from "../src/project/projectFile.js";

vi.setConfig({ testTimeout: 120_000 });

const launcher = fileURLToPath(new URL("../bin/pairloom.js", import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pairloom-start-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command line as a user would, with a Redis of its own. */
const pairloom = (...args: string[]) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const env = { ...process.env, REDIS_URL: "" };
    execFile(process.execPath, [launcher, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });

describe("a folder without a project", () => {
  it("that isn't there, or is empty, becomes a project; of many that begin it at once one does", async () => {
    const dir = join(folder, "many");
    const started = await Promise.all(Array.from({ length: 8 }, () => readOrStartProject(dir)));
    expect(new Set(started.map(({ settings }) => settings.project)).size).toBe(1);
    expect(started.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(await readdir(dir)).toEqual(["pairloom.json"]);
    expect(await readOrStartProject(dir)).toEqual({ settings: await readProjectFile(dir), isNew: false });
  });

  it("that holds other files is left as it is", async () => {
    const dir = join(folder, "photos");
    await mkdir(dir);
    await writeFile(join(dir, "cat.jpg"), "");
    await expect(readOrStartProject(dir)).rejects.toMatchObject({ code: "dir_in_use" });
    expect(await readdir(dir)).toEqual(["cat.jpg"]);
  });

  it("that holds what a file system puts into every one counts as empty", async () => {
    const dir = join(folder, "mounted");
    await mkdir(join(dir, "lost+found"), { recursive: true });
    await writeFile(join(dir, ".DS_Store"), "");
    expect((await readOrStartProject(dir)).isNew).toBe(true);
  });

  it("that is a file is named", async () => {
    await writeFile(join(folder, "file"), "");
    for (const dir of [join(folder, "file"), join(folder, "file", "below")])
      await expect(readOrStartProject(dir)).rejects.toMatchObject({ code: "dir_not_a_folder" });
  });
});

describe("the command line", () => {
  it("`up --until-idle` on a new folder makes a project, says where, ends at once and says what to do", async () => {
    const dir = join(folder, "new");
    const first = await pairloom("up", "--dir", dir, "--port", "0", "--until-idle", "--json");
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ idle: true, failedJobs: 0, dir });
    expect(first.stderr).toContain(`A new project, in ${dir}.`);
    expect(first.stderr).toContain(`pairloom seed --dir ${dir}`);
    const project = await readFile(join(dir, "pairloom.json"), "utf8");
    const second = await pairloom("up", "--dir", dir, "--no-dashboard", "--until-idle");
    expect(second.code).toBe(0);
    expect(second.stderr).not.toContain("A new project");
    expect(second.stderr).toContain("Nothing is queued yet");
    expect(await readFile(join(dir, "pairloom.json"), "utf8")).toBe(project);
  });

  it.each([["status"], ["release"], ["jobs", "list"], ["jobs", "launch", "--release", "r0001"]])(
    "%s on a folder that isn't there says so and what begins one, and makes none",
    async (...args) => {
      const dir = join(folder, "mistyped");
      const { code, stdout } = await pairloom(...args, "--dir", dir, "--json");
      expect(code).not.toBe(0);
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string; hint: string } };
      expect(error.code).toBe("project_missing");
      expect(error.message).toContain(dir);
      expect(error.hint).toContain("pairloom up --dir");
      await expect(access(dir)).rejects.toThrow();
    },
  );
});
