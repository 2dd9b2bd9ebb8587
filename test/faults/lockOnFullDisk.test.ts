import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDiskFull } from "@pairloom/config/errors";
import { takeLock } from "@pairloom/storage/lock";
import { expect, it } from "vitest";
import { SmallDisk } from "./smallDisk.js";

it("a lock on a full disk is not had and leaves nothing behind; one that is held can be given back", async ({
  skip,
}) => {
  const folder = await mkdtemp(join(tmpdir(), "full-lock-"));
  const disk = SmallDisk.mount(join(folder, "disk"), 4);
  if (disk === null) {
    await rm(folder, { recursive: true });
    return skip("may not mount a small file system");
  }
  const take = () => takeLock(disk.path, "run.lock", { timeoutMs: 0, leaseMs: 600 });
  try {
    const { held } = await take();
    disk.fill(0);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    held!.assertHeld(); // heartbeats need no room
    await held!.release();
    expect((await readdir(disk.path)).toSorted()).toEqual(["filler", "run.lock.1.free"]);
    await expect(take()).rejects.toSatisfy(isDiskFull);
    expect((await readdir(disk.path)).toSorted()).toEqual(["filler", "run.lock.1.free"]);
    disk.free();
    const again = await take();
    expect(again.held).not.toBeNull();
    await again.held!.release();
  } finally {
    disk.unmount();
    await rm(folder, { recursive: true });
  }
});
