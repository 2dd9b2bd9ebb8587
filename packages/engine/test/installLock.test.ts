import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withInstallLock } from "../src/tensorflow/installLock.js";

const leaseMs = 1200;
let cache: string;
let folder: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "install-lock-"));
  folder = join(cache, "tensorflow");
});
afterEach(() => rm(cache, { recursive: true }));

test("of two installations into a folder one runs", async () => {
  const other = () => withInstallLock(folder, async () => "second", { leaseMs });
  const first = withInstallLock(
    folder,
    async () => {
      await expect(other()).rejects.toMatchObject({
        code: "install_running",
        message: expect.stringContaining(`process ${process.pid} on host`) as string,
      });
      return "first";
    },
    { leaseMs },
  );
  expect(await first).toBe("first");
  expect(await other()).toBe("second");
});

test("a lock whose process or host is gone holds nothing up, also one of an older version", async () => {
  await writeFile(`${folder}.lock`, "999999999");
  expect(await withInstallLock(folder, async () => 1, { leaseMs })).toBe(1);
  const lines: string[] = [];
  const gone = { pid: 7, ticks: "5", space: "another-boot/pid:[1]", host: "build-3", since: "2026-11-05" };
  await writeFile(`${folder}.lock.9`, JSON.stringify(gone));
  expect(await withInstallLock(folder, async () => 2, { leaseMs, log: (line) => lines.push(line) })).toBe(2);
  expect(lines).toEqual([expect.stringContaining("process 7 on host build-3")]);
  await mkdir(folder);
  expect(await readdir(cache)).toEqual(["tensorflow", "tensorflow.lock.10.free"]);
});
