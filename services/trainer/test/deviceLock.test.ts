import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LockWatch } from "@pairloom/storage/lock";
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
async function holder(
  computes = false,
  within: readonly string[] = [],
): Promise<{ child: ChildProcess; said: string }> {
  const script = `
    const { holdDevice } = await import(${JSON.stringify(door)});
    const { spawn } = await import("node:child_process");
    const hold = await holdDevice("gpu:0", ${JSON.stringify(folder)}, { leaseMs: 3000 });
    const work = ${String(computes)} ? spawn("sleep", ["60"], { stdio: "ignore", detached: true }) : null;
    if (work !== null) hold.use(work.pid);
    console.log(hold === null ? "busy" : work === null ? "held" : String(work.pid));
    setInterval(() => {}, 1000);
  `;
  const [program, ...args] = [...within, process.execPath, "--input-type=module", "-e", script];
  const child = spawn(program, args, {
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

/** Runs a command as process 1 of a process namespace of its own, as a container does. */
const container = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
const canContain = spawnSync(container[0]!, [...container.slice(1), "true"]).status === 0;

it.skipIf(!canContain)("processes of two containers that share the folder exclude each other", async () => {
  const first = await holder(false, container);
  expect(first.said).toBe("held");
  const second = await holder(false, container);
  expect(second.said).toBe("busy");
  const watch = new LockWatch();
  const ask = () => holdDevice("gpu:0", folder, { leaseMs: 3000, watch });
  for (let asked = 0; asked < 40; asked++) {
    expect(await ask()).toBeNull();
    await sleep(100);
  }
  first.child.kill("SIGKILL");
  await expect.poll(ask, { timeout: 20_000, interval: 100 }).not.toBeNull();
});

it("of many that ask at once one gets it", async () => {
  const holds = await Promise.all(Array.from({ length: 8 }, () => holdDevice("cpu", folder)));
  expect(holds.filter((hold) => hold !== null)).toHaveLength(1);
});
