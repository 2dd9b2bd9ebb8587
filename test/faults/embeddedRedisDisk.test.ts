import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DiskFullError, type UserError } from "@pairloom/config";
import { openRedis } from "@pairloom/queue";
import { afterAll, expect, test } from "vitest";

/** A file system that can be filled: needs the right to mount a tmpfs. */
const folder = mkdtempSync(join(tmpdir(), "small-disk-"));
const isMounted = mount();
if (!isMounted) console.warn("Skipped: no right to mount a tmpfs here");

afterAll(() => {
  if (isMounted) execFileSync("umount", ["-l", folder]);
  rmSync(folder, { recursive: true });
});

test.skipIf(!isMounted)(
  "a full disk is reported, and once there is room Redis goes on with all that it acknowledged",
  async () => {
    const troubles: UserError[] = [];
    const redis = await openRedis({
      dir: join(folder, "project"),
      onTrouble: (error) => troubles.push(error),
    });
    const connection = redis.connect();
    const ballast = join(folder, "ballast");
    writeFileSync(ballast, Buffer.alloc(2_000_000));
    const acknowledged: string[] = [];
    const value = "x".repeat(50_000);
    let isFreed = false;
    for (let at = 0; at < 60; at += 1) {
      const write = connection.set(`key${at}`, value);
      while (troubles.length === 0 && !(await settled(write, 200)));
      if (troubles.length > 0 && !isFreed) {
        rmSync(ballast);
        isFreed = true;
      }
      await write;
      acknowledged.push(`key${at}`);
    }
    expect(troubles[0]).toBeInstanceOf(DiskFullError);
    expect(troubles[0]?.exitCode).toBe(5);
    for (const key of acknowledged) expect(await connection.strlen(key)).toBe(value.length);
    await redis.close();
  },
);

async function settled(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), timeoutMs));
  return Promise.race([promise.then(() => true), late]);
}

function mount(): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}
