import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { holdDevice } from "../src/index.js";

const door = new URL("../dist/index.js", import.meta.url).href;
let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "device-lock-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

/** A process that holds a device and says so, then computes on it in another process if it is asked to. */
async function holder(computes = false): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    const { holdDevice } = await import(${JSON.stringify(door)});
    const { spawn } = await import("node:child_process");
    const hold = await holdDevice("gpu:0", ${JSON.stringify(folder)});
    const work = ${String(computes)} ? spawn("sleep", ["60"], { stdio: "ignore", detached: true }) : null;
    if (work !== null) await hold.use(work.pid);
    console.log(hold === null ? "busy" : work === null ? "held" : String(work.pid));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  return { child, said: String(said).trim() };
}

it("one process holds a device, others hold other devices", async () => {
  expect((await holder()).said).toBe("held");
  expect(await holdDevice("gpu:0", folder)).toBeNull();
  const other = await holdDevice("gpu:1", folder);
  expect(other).not.toBeNull();
  await other!.release();
});

it("a killed holder loses it at once", async () => {
  const { child } = await holder();
  child.kill("SIGKILL");
  await once(child, "exit");
  const hold = await holdDevice("gpu:0", folder);
  expect(hold).not.toBeNull();
  await hold!.release();
});

it("a stopped holder keeps it, however long", async () => {
  const { child } = await holder();
  child.kill("SIGSTOP");
  expect(await holdDevice("gpu:0", folder)).toBeNull();
});

it("a training that outlives its trainer keeps the device to its end", async () => {
  const { child, said } = await holder(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await holdDevice("gpu:0", folder)).toBeNull();
  process.kill(Number(said), "SIGKILL");
  await expect.poll(() => holdDevice("gpu:0", folder), { timeout: 5000 }).not.toBeNull();
});

it("of many that ask at once one gets it", async () => {
  const holds = await Promise.all(Array.from({ length: 8 }, () => holdDevice("cpu", folder)));
  expect(holds.filter((hold) => hold !== null)).toHaveLength(1);
});
