import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LockFiles } from "../src/lock/lockFiles.js";
import { ownIdentity, processSpace } from "../src/lock/processIdentity.js";
import { LockWatch, lookAtLock, takeLock, type TakeLockOptions } from "../src/lock/takeLock.js";

const lib = new URL("../dist/lock/index.js", import.meta.url).href;
/** Long enough for a busy machine's timers, short enough for a test. */
const leaseMs = 1200;

let folder: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "take-lock-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

const attempt = (options: Partial<TakeLockOptions> = {}) =>
  takeLock(folder, "run.lock", { timeoutMs: 4 * leaseMs, notForLiving: true, leaseMs, ...options });

/** A process that runs `script` with `takeLock`, `folder` and `leaseMs` at hand. */
function start(script: string): { child: ChildProcess; lines: Interface } {
  const head =
    `const { takeLock } = await import(${JSON.stringify(lib)}); const { setTimeout: sleep } = await import("node:timers/promises");` +
    `const [folder, leaseMs] = ${JSON.stringify([folder, leaseMs])};`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", `${head}\n${script}`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  return { child, lines: createInterface({ input: child.stdout }) };
}
const nextLine = async (lines: Interface) => ((await once(lines, "line")) as [string])[0];

/** Says "held", and after each line that it is told what became of its lock. */
const holder = (thread = false) => `
  const { held } = await takeLock(folder, "run.lock", { timeoutMs: 0, leaseMs, thread: ${String(thread)} });
  console.log("held");
  process.stdin.on("data", () => {
    try { held.assertHeld(); console.log("still held"); } catch (error) { console.log(error.code); }
  });`;

const at = (name: string) => join(folder, name);
const foreign = { pid: 1, ticks: "77", space: "another-boot/pid:[1]", host: hostname() };
const record = (value: object) => JSON.stringify({ ...value, since: "2026-01-01T00:00:00.000Z" });

/** As if its holder ran in another container: it can't be looked at from here. */
async function disguise(): Promise<void> {
  const name = (await readdir(folder)).find((one) => /^run\.lock\.\d+$/.test(one))!;
  const held = JSON.parse(await readFile(at(name), "utf8")) as object;
  await writeFile(at(name), JSON.stringify({ ...held, space: foreign.space }));
}

describe("a lock that was left behind", () => {
  test.each([
    [
      "a process that is dead",
      "run.lock.3",
      record({ ...ownIdentity(), pid: 2 ** 22 + 1, space: processSpace() }),
    ],
    [
      "a process whose number is another's now",
      "run.lock.3",
      record({ pid: process.pid, ticks: "1", space: processSpace() }),
    ],
    ["a dead process, by an older version's run", "run.lock", `${hostname()} ${process.pid} 1`],
    ["a dead process, by an older version's installation", "run.lock", String(2 ** 22 + 1)],
    [
      "a dead process, by an older version's device",
      "run.lock",
      JSON.stringify({ space: processSpace(), processes: [{ pid: process.pid, ticks: "1" }] }),
    ],
  ])("by %s is taken over at once", async (_, name, text) => {
    await writeFile(at(name), text);
    const outcome = await attempt({ timeoutMs: 0 });
    expect(outcome.held).not.toBeNull();
    expect(await readdir(folder)).toHaveLength(1); // the old file is gone
    await outcome.held!.release();
  });

  test.each([
    ["this version's", "run.lock.3", record({ ...ownIdentity(), space: processSpace() })],
    ["an older version's run", "run.lock", `${hostname()} ${process.pid} ${ownIdentity().ticks}`],
    ["an older version's installation", "run.lock", String(process.pid)],
    [
      "an older version's device",
      "run.lock",
      JSON.stringify({ space: processSpace(), processes: [ownIdentity()] }),
    ],
    [
      "an older version's Redis folder",
      "run.lock.1",
      JSON.stringify({ ...ownIdentity(), space: processSpace() }),
    ],
  ])("no: its process lives (%s)", async (_, name, text) => {
    await writeFile(at(name), text);
    const { held, ...rest } = await attempt();
    expect(held).toBeNull();
    expect(rest).toMatchObject({ takenBy: { alive: true, path: at(name) } });
  });

  test.each([
    ["empty", ""],
    ["malformed", '{"pid":'],
    ["JSON of something else", "[1, 2]"],
  ])("that is %s counts while it is young, then no more", async (_, text) => {
    await writeFile(at("run.lock"), text);
    expect((await attempt({ timeoutMs: 0 })).held).toBeNull();
    const old = new Date(Date.now() - 2 * leaseMs);
    await utimes(at("run.lock"), old, old);
    const outcome = await attempt({ timeoutMs: 0 });
    expect(outcome.held).not.toBeNull();
    await outcome.held!.release();
  });

  test("that can't be read is watched, and taken over after a lease without a change", async () => {
    await mkdir(at("run.lock.1")); // whoever reads it gets an error
    const began = performance.now();
    const outcome = await attempt();
    expect(outcome.held).not.toBeNull();
    expect(performance.now() - began).toBeGreaterThan(leaseMs * 0.9);
    await outcome.held!.release();
  });

  test.skipIf(process.getuid?.() === 0)("of another user is watched too", async () => {
    await writeFile(at("run.lock.1"), record(foreign));
    await chmod(at("run.lock.1"), 0);
    expect((await attempt({ timeoutMs: 0 })).held).toBeNull();
  });
});

describe("a holder that can't be looked at, although its host has this one's name", () => {
  test("is alive while its file changes, whatever its clock says", async () => {
    await writeFile(at("run.lock.1"), record(foreign));
    let beats = 0;
    const beat = setInterval(() => {
      const clock = new Date(1000 * beats++); // its clock stands in 1970
      void utimes(at("run.lock.1"), clock, clock);
    }, leaseMs / 6);
    const told: unknown[] = [];
    const { held, ...rest } = await attempt({ onWait: (wait) => told.push(wait.alive) });
    clearInterval(beat);
    expect(held).toBeNull();
    expect(rest).toMatchObject({ takenBy: { alive: true, holder: { host: hostname() } } });
    expect(told).toEqual([false]);
  });

  test("is gone after a lease without a heartbeat, and named", async () => {
    await writeFile(at("run.lock.1"), record(foreign));
    const ahead = new Date(Date.now() + 3_600_000); // its clock goes an hour fast
    await utimes(at("run.lock.1"), ahead, ahead);
    const began = performance.now();
    const outcome = await attempt();
    expect(performance.now() - began).toBeGreaterThan(leaseMs * 0.9);
    expect(outcome).toMatchObject({ followed: { holder: { processes: [{ pid: 1, ticks: "77" }] } } });
    await outcome.held!.release();
  });

  test("is gone for one who only looks now and then", async () => {
    await writeFile(at("run.lock.1"), record(foreign));
    const watch = new LockWatch();
    expect((await attempt({ timeoutMs: 0, watch })).held).toBeNull();
    await sleep(leaseMs / 2);
    expect((await attempt({ timeoutMs: 0, watch })).held).toBeNull();
    await sleep(leaseMs / 2 + 50);
    const { held } = await attempt({ timeoutMs: 0, watch });
    expect(held).not.toBeNull();
    await held!.release();
  });
});

describe("of many processes that race", () => {
  const racer = `
    process.stdin.once("data", async () => {
      const { held } = await takeLock(folder, "run.lock", { timeoutMs: 3 * leaseMs, notForLiving: true, leaseMs });
      console.log(held === null ? "lost" : "won");
    });
    console.log("ready");`;

  test.each([
    ["an old empty lock", "run.lock", "", true],
    [
      "a dead process's lock",
      "run.lock.7",
      record({ pid: process.pid, ticks: "1", space: processSpace() }),
      false,
    ],
    ["a foreign lock without a heartbeat", "run.lock.7", record(foreign), false],
    ["no lock at all", "other", "", false],
  ])("for %s one wins", async (_, name, text, old) => {
    await writeFile(at(name), text);
    if (old) await utimes(at(name), 1e9, 1e9);
    const racers = Array.from({ length: 6 }, () => start(racer));
    await Promise.all(racers.map(({ lines }) => nextLine(lines)));
    const said = Promise.all(racers.map(({ lines }) => nextLine(lines)));
    for (const { child } of racers) child.stdin!.write("go\n");
    expect((await said).toSorted()).toEqual(["lost", "lost", "lost", "lost", "lost", "won"]);
  });

  test("nobody ever sees an empty lock", async () => {
    let done = false;
    const contents = new Set<string>();
    const look = async () => {
      while (!done) {
        for (const name of await readdir(folder))
          if (name.startsWith("run.lock"))
            await readFile(at(name), "utf8").then(
              (text) => contents.add(text),
              () => undefined,
            );
      }
    };
    const looking = look();
    for (let round = 0; round < 100; round++) await (await attempt({ timeoutMs: 0 })).held!.release();
    done = true;
    await looking;
    expect(contents.size).toBeGreaterThan(0);
    for (const text of contents) expect(JSON.parse(text)).toMatchObject({ pid: process.pid });
  });
});

test("a number that another had and gave back is not had again by one who looked before that", async () => {
  const files = new LockFiles(folder, "run.lock");
  const { held } = await attempt();
  await held!.release();
  expect(files.claim(1, "late")).toBe(false);
  expect(await readdir(folder)).toEqual(["run.lock.1.free"]);
  expect(files.claim(2, "in time")).toBe(true);
});

describe("a holder that was stopped for longer than a lease", () => {
  test("notices that another has its lock, before it writes again", async () => {
    const { child, lines } = start(holder());
    expect(await nextLine(lines)).toBe("held");
    await disguise();
    child.kill("SIGSTOP");
    const { held } = await attempt();
    expect(held).not.toBeNull();
    child.kill("SIGCONT");
    child.stdin!.write("?\n");
    expect(await nextLine(lines)).toBe("lock_lost");
    held!.assertHeld();
    await held!.release();
  });

  test("goes on where nobody took it, under a number of its own", async () => {
    const { child, lines } = start(holder());
    expect(await nextLine(lines)).toBe("held");
    child.kill("SIGSTOP");
    await sleep(leaseMs);
    child.kill("SIGCONT");
    child.stdin!.write("?\n");
    expect(await nextLine(lines)).toBe("still held");
    expect(await readdir(folder)).toEqual([expect.stringMatching(/^run\.lock\.[2-9]$/)]);
  });

  test("keeps it on its own machine, where all can see that it lives", async () => {
    const { child, lines } = start(holder());
    expect(await nextLine(lines)).toBe("held");
    child.kill("SIGSTOP");
    await sleep(1.5 * leaseMs);
    expect((await attempt()).held).toBeNull();
  });
});

test("a holder whose thread computes for longer than a lease keeps its lock by a thread of its own", async () => {
  const longerMs = 4000; // a busy machine may keep both threads waiting for a second
  const { lines } = start(`
    const { held } = await takeLock(folder, "run.lock", { timeoutMs: 0, leaseMs: ${longerMs}, thread: true });
    console.log("held");
    await sleep(${longerMs / 4});
    for (const end = Date.now() + ${1.75 * longerMs}; Date.now() < end;);
    held.assertHeld();
    console.log("still held");`);
  expect(await nextLine(lines)).toBe("held");
  await disguise();
  const end = nextLine(lines);
  await sleep(longerMs / 4);
  expect((await attempt({ leaseMs: longerMs, timeoutMs: 4 * longerMs })).held).toBeNull();
  expect(await end).toBe("still held");
  expect(await readdir(folder)).toEqual(["run.lock.1"]);
});

test("a lock that somebody removes is lost", async () => {
  const { held } = await attempt();
  await rm(held!.path);
  await expect.poll(() => held!.lost.aborted).toBe(true);
  expect(() => held!.assertHeld()).toThrow(expect.objectContaining({ code: "lock_lost" }) as Error);
  await held!.release();
});

test("a lock that is shared stays with the other process until that one ends", async () => {
  const { child, lines } = start(`console.log("here"); setInterval(() => {}, 1000);`);
  await nextLine(lines);
  const { held } = await attempt();
  held!.shareWith(child.pid!);
  await held!.release();
  expect((await attempt()).held).toBeNull();
  child.kill("SIGKILL");
  await once(child, "exit");
  const { held: next } = await attempt({ timeoutMs: 0 });
  expect(next).not.toBeNull();
  await next!.release();
});

test("who looks at a lock is told of its holder, and of none where it was given back or left behind", async () => {
  expect(await lookAtLock(join(folder, "nowhere"), "run.lock")).toBeNull();
  const { held } = await attempt();
  expect(await lookAtLock(folder, "run.lock")).toMatchObject({
    alive: true,
    holder: { host: hostname(), processes: [{ pid: process.pid }] },
  });
  await held!.release();
  expect(await lookAtLock(folder, "run.lock")).toBeNull();
  await writeFile(at("run.lock.2"), record({ pid: process.pid, ticks: "1", space: processSpace() }));
  expect(await lookAtLock(folder, "run.lock")).toBeNull();
});
