import { openStore, type Store, storeBelow } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repairRelease, verifyRelease } from "../../packages/shards/src/index.js";
import { makeSmallRelease } from "../../packages/shards/test/smallRelease.js";
import { s3Credentials, s3Missing, type S3Server, startMoto } from "./s3Servers.js";

if (s3Missing !== null) console.log(`Repair on S3 is skipped: ${s3Missing}`);

describe.skipIf(s3Missing !== null)("a release on S3", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startMoto();
    await server.makeBucket("releases");
  });
  afterAll(() => server.close());

  const open = (readOnly: boolean): Promise<Store> =>
    openStore("s3://releases/a folder", {
      readOnly,
      s3: { endpoint: server.endpoint, credentials: s3Credentials },
    });

  it("has its sidecars rebuilt in their place, byte for byte", async () => {
    const { release } = await makeSmallRelease(await open(false), 60);
    const filesOf = async () => {
      const files: [string, string][] = [];
      for await (const { name } of release.list(""))
        files.push([name, (await release.get(name)).toString("latin1")]);
      return files;
    };
    const before = await filesOf();
    for (const file of ["00001.parquet", "index.json", "datacard.json"]) await release.delete(file);
    await release.publish("datacard.json", Buffer.from("{"));
    const there = storeBelow(await open(true), "release");
    expect((await verifyRelease(there)).found).toBeGreaterThan(0);
    const { rebuilt, left } = await repairRelease(there);
    expect(rebuilt.sort()).toEqual(["00001.parquet", "datacard.json", "index.json"]);
    expect(left).toEqual([]);
    expect(await filesOf()).toEqual(before);
    expect((await verifyRelease(there)).found).toBe(0);
  });
});
