import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DiskFullError, UserError } from "@pairloom/config";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LocalStore, openStore, storeBelow } from "../src/index.js";
import { workFileName } from "../src/workFile.js";
import { storeConformance } from "./storeConformance.js";

storeConformance("a local folder", async () => {
  const root = await mkdtemp(join(tmpdir(), "pairloom-store-"));
  return {
    store: await openStore(root),
    again: () => openStore(root),
    remove: () => rm(root, { recursive: true }),
  };
});

storeConformance("a part of a store", async () => {
  const root = await mkdtemp(join(tmpdir(), "pairloom-store-"));
  return {
    store: storeBelow(await openStore(root), "one/part"),
    again: async () => storeBelow(await openStore(root), "one/part"),
    remove: () => rm(root, { recursive: true }),
  };
});

describe("a local store", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "pairloom-store-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const unfinished = () => readdir(join(root, ".tmp"));

  it("opens by path and by file URL, making the folder", async () => {
    const path = join(root, "deep", "er");
    const store = await openStore(path);
    await store.publish("x", Buffer.from("1"));
    expect(store.url).toBe(pathToFileURL(path).href);
    expect((await (await openStore(store.url)).get("x")).toString()).toBe("1");
    expect(store.localPath("x")).toBe(join(path, "x"));
  });

  it("that is only read makes nothing and must be there", async () => {
    await (await openStore(join(root, "there"))).publish("x", Buffer.from("1"));
    await rm(join(root, "there", ".tmp"), { recursive: true });
    const store = await openStore(join(root, "there"), { readOnly: true });
    expect((await store.get("x")).toString()).toBe("1");
    expect(await readdir(join(root, "there"))).toEqual(["x"]);
    await expect(openStore(join(root, "missing"), { readOnly: true })).rejects.toThrow(UserError);
    expect(await readdir(root)).toEqual(["there"]);
  });

  it("says what to do where the address is no folder or of an unknown kind", async () => {
    await writeFile(join(root, "file"), "x");
    for (const address of [join(root, "file"), "s3://", "s3://x", "https://host/x", ""]) {
      const error = await openStore(address).catch((e: unknown) => e);
      expect(error, address).toBeInstanceOf(UserError);
      expect((error as UserError).hint, address).not.toBeNull();
    }
  });

  const otherDisk = "/dev/shm";
  const isOther = existsSync(otherDisk) && statSync(otherDisk).dev !== statSync(tmpdir()).dev;
  it.skipIf(!isOther)("publishes and replaces from another file system", async () => {
    const elsewhere = await mkdtemp(join(otherDisk, "pairloom-store-"));
    try {
      const store = await openStore(root);
      for (const text of ["one", "two"]) {
        await mkdir(join(elsewhere, "folder"));
        await writeFile(join(elsewhere, "file"), text);
        await writeFile(join(elsewhere, "folder", "inner"), text);
        await store.replaceFile("file", join(elsewhere, "file"));
        await store.replaceFolder("folder", join(elsewhere, "folder"));
        expect((await store.get("file")).toString()).toBe(text);
        expect((await store.get("folder/inner")).toString()).toBe(text);
        expect(await readdir(elsewhere)).toEqual([]);
      }
      expect(await unfinished()).toEqual([]);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it("removes what a killed process left, once it is opened again, and shows none of it before", async () => {
    const store = await LocalStore.open(root);
    const entry = new URL("../dist/index.js", import.meta.url).href;
    const program = `
      const { openStore } = await import(${JSON.stringify(entry)});
      const store = await openStore(${JSON.stringify(root)});
      await store.scratch();
      await store.publish("half", (async function* () {
        yield Buffer.alloc(5_000_000);
        console.log("half");
        await new Promise(() => setInterval(() => {}, 1000));
      })());`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    expect(await unfinished()).toHaveLength(2);
    await LocalStore.open(root);
    expect(await unfinished(), "a living process keeps its files").toHaveLength(2);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await store.stat("half")).toBeNull();
    for await (const blob of store.list("")) expect.fail(`${blob.name} is visible`);
    await LocalStore.open(root);
    expect(await unfinished()).toEqual([]);
  });

  it("leaves a stranger's unfinished files alone until they are old, and unknown names always", async () => {
    await rm(await (await LocalStore.open(root)).scratch(), { recursive: true });
    const work = join(root, ".tmp");
    const foreign = (digit: string) => digit.repeat(12) + workFileName().slice(12);
    const [young, old] = [foreign("a"), foreign("b")];
    const rebooted = workFileName().replace(/^(.{13}).{8}/, "$100000000");
    for (const name of [young, old, rebooted, workFileName(), "notes.txt"])
      await writeFile(join(work, name), "");
    const monthAgo = new Date(Date.now() - 30 * 24 * 3600 * 1000);
    await utimes(join(work, old), monthAgo, monthAgo);
    await utimes(join(work, "notes.txt"), monthAgo, monthAgo);
    await LocalStore.open(root);
    const left = await unfinished();
    expect(left).toHaveLength(3);
    expect(left).toContain(young);
    expect(left).toContain("notes.txt");
  });
});

describe("a full disk", () => {
  const disk = join(tmpdir(), `pairloom-full-${process.pid}`);
  const mounted =
    spawnSync("mkdir", ["-p", disk]).status === 0 &&
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]).status === 0;
  if (!mounted) {
    spawnSync("rmdir", [disk]);
    console.log("skipped: a full disk (needs the right to mount a tmpfs)");
  }

  it.skipIf(!mounted)("is a DiskFullError, leaves nothing behind and harms nothing published", async () => {
    try {
      const store = await openStore(disk);
      await store.publish("before", Buffer.from("kept"));
      async function* tooMuch() {
        for (let i = 0; i < 40; i++) yield Buffer.alloc(50_000, i);
      }
      await expect(store.publish("big", tooMuch())).rejects.toThrow(DiskFullError);
      await expect(store.publish("big", Buffer.alloc(2_000_000))).rejects.toThrow(DiskFullError);
      // from another file system, so that it is copied first
      const elsewhere = `${disk}.big`;
      await writeFile(elsewhere, Buffer.alloc(2_000_000));
      await expect(store.publishFile("big", elsewhere)).rejects.toThrow(DiskFullError);
      await expect(store.replaceFile("big", elsewhere)).rejects.toThrow(DiskFullError);
      expect(await readdir(join(disk, ".tmp"))).toEqual([]);
      expect(await store.stat("big")).toBeNull();
      expect((await store.get("before")).toString()).toBe("kept");
      expect(await store.publish("small", Buffer.alloc(500_000))).toBe("published");
    } finally {
      spawnSync("umount", [disk]);
      spawnSync("rmdir", [disk]);
      await rm(`${disk}.big`, { force: true });
    }
  });
});
