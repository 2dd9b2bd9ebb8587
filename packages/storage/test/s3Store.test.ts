import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { UserError } from "@pairloom/config";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openStore, type S3Settings, type Store } from "../src/index.js";
import { FakeS3, type Fault } from "./fakeS3.js";
import { storeConformance } from "./storeConformance.js";

let fake: FakeS3;
let store: Store;

const settings = (more: S3Settings = {}): S3Settings => ({
  endpoint: fake.endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "key", secretAccessKey: "secret" },
  backoffMs: 5,
  stallMs: 10_000,
  partBytes: 1 << 20,
  ...more,
});
const openAt = (url: string, more: S3Settings = {}, signal?: AbortSignal) =>
  openStore(url, { s3: settings(more), ...(signal === undefined ? {} : { signal }) });

beforeAll(async () => {
  fake = await FakeS3.start();
});
afterAll(() => fake.close());

storeConformance("a bucket of a service that keeps to the rules", async () => ({
  store: await openAt("s3://bucket/a folder/below"),
  again: () => openAt("s3://bucket/a folder/below"),
  remove: () => Promise.resolve(),
}));

const large = randomBytes((4 << 20) + 12_345);
const visible = () => [...fake.objects.keys()].filter((key) => !key.startsWith(".tmp/"));
const userError = async (work: Promise<unknown>): Promise<UserError> => {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(UserError);
  expect((error as UserError).hint).not.toBeNull();
  return error as UserError;
};

describe("a store on S3", () => {
  beforeEach(async () => {
    fake.reset();
    store = await openAt("s3://bucket");
    fake.asked.length = 0;
  });

  const passing: Fault[] = [
    { status: 503, code: "SlowDown" },
    { status: 500, code: "InternalError" },
    { status: 429, code: "TooManyRequests" },
    { cut: "request", afterBytes: 0 },
  ];
  it.each(passing)("tries again after %j twice, whatever the request", async (fault) => {
    for (const operation of ["PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
      fake.fail(operation, fault, 2);
    expect(await store.publish("small", Buffer.from("one"))).toBe("published");
    expect(await store.publish("large", large)).toBe("published");
    for (const operation of ["GetObject", "HeadObject", "ListObjectsV2", "DeleteObject"])
      fake.fail(operation, fault, 2);
    expect((await store.get("large")).equals(large)).toBe(true);
    expect(await store.stat("small")).toEqual({ name: "small", bytes: 3 });
    await store.delete("small");
    const names: string[] = [];
    for await (const { name } of store.list("")) names.push(name);
    expect(names).toEqual(["large"]);
  });

  it("gives up after so many tries and says so, leaving nothing", async () => {
    store = await openAt("s3://bucket", { attempts: 3 });
    fake.asked.length = 0;
    fake.fail("UploadPart", { status: 503, code: "SlowDown" }, 1000);
    const error = await userError(store.publish("large", large));
    expect(error).toMatchObject({ code: "s3_unavailable" });
    expect(error.message).toContain("3 times");
    expect(fake.count("AbortMultipartUpload")).toBeGreaterThan(0);
    expect([visible(), fake.uploads.size]).toEqual([[], 0]);
  });

  it("goes on where a download broke, from the same version, and checks the whole", async () => {
    await store.publish("large", large);
    fake.fail("GetObject", { cut: "answer", afterBytes: 1_000_000 });
    fake.fail("GetObject", { cut: "answer", afterBytes: 70_000 });
    expect((await store.get("large")).equals(large)).toBe(true);
    const asked = fake.asked.filter(({ operation }) => operation === "GetObject");
    expect(asked).toHaveLength(3);
    expect(asked[0]?.headers.range).toBeUndefined();
    const etag = fake.objects.get("large")?.etag;
    for (const { headers } of asked.slice(1)) {
      expect(headers["if-match"]).toBe(etag);
      expect(Number(/^bytes=(\d+)-/.exec(headers.range ?? "")?.[1])).toBeGreaterThan(0);
    }
  });

  it("doesn't mix two versions of an object that changes while it is read", async () => {
    await store.publish("large", large);
    fake.fail("GetObject", { cut: "answer", afterBytes: 1_000_000 });
    const stream = await store.read("large");
    const stored = fake.objects.get("large")!;
    fake.objects.set("large", { ...stored, body: randomBytes(large.length), etag: '"another"' });
    await expect(stream.toArray()).rejects.toThrow("changed while it was read");
  });

  it("refuses bytes that are not those stored", async () => {
    await store.publish("large", large);
    await store.publish("small", Buffer.from("a few bytes"));
    for (const name of ["large", "small"]) {
      fake.fail("GetObject", "corrupt");
      await expect(store.get(name)).rejects.toThrow(`s3://bucket/${name} is damaged`);
    }
  });

  it("sends a checksum with every upload, in one request, in parts and of the whole", async () => {
    await store.publish("small", Buffer.from("123456789"));
    await store.publish("large", large);
    const sums = (operation: string) =>
      fake.asked
        .filter((one) => one.operation === operation)
        .map(({ headers }) => headers["x-amz-checksum-crc32"]);
    // The check value of CRC-32: cbf43926.
    expect(sums("PutObject")).toEqual([Buffer.from("cbf43926", "hex").toString("base64")]);
    expect(sums("UploadPart").filter((sum) => sum !== undefined)).toHaveLength(6);
    expect(sums("CompleteMultipartUpload").at(-1)).toBe(fake.objects.get("large")?.crc);
  });

  it("ends a request on which nothing moves, and tries it again", async () => {
    store = await openAt("s3://bucket", { stallMs: 150 });
    await store.publish("large", large);
    fake.fail("PutObject", "hang");
    expect(await store.publish("small", Buffer.from("x"))).toBe("published");
    fake.fail("GetObject", "hang");
    fake.fail("GetObject", "stall");
    expect((await store.get("large")).equals(large)).toBe(true);
    const impatient = await openAt("s3://bucket", { stallMs: 50, attempts: 2 });
    fake.fail("HeadObject", "hang", 1000);
    expect(await userError(impatient.stat("large"))).toMatchObject({ code: "s3_timeout" });
  });

  it("doesn't take a slow reader for a stalled connection", async () => {
    store = await openAt("s3://bucket", { stallMs: 100 });
    await store.publish("large", large);
    const chunks: Buffer[] = [];
    for await (const chunk of await store.read("large")) {
      chunks.push(chunk as Buffer);
      if (chunks.length % 20 === 1) await sleep(150);
    }
    expect(Buffer.concat(chunks).equals(large)).toBe(true);
  });

  it("stops what is under way with its signal, and leaves no part of an upload", async () => {
    const stop = new AbortController();
    store = await openAt("s3://bucket", {}, stop.signal);
    await store.publish("settle", large);
    const before = fake.count("UploadPart");
    fake.fail("UploadPart", "hang", 1000);
    const publishing = store.publish("large", large);
    publishing.catch(() => undefined);
    while (fake.count("UploadPart") < before + 2) await sleep(5);
    const startMs = Date.now();
    stop.abort(new Error("enough"));
    await expect(publishing).rejects.toThrow("enough");
    expect(Date.now() - startMs).toBeLessThan(2000);
    expect([visible(), fake.uploads.size]).toEqual([["settle"], 0]);
    await expect(store.stat("large")).rejects.toThrow("enough");
  });

  it("knows its own write whose answer was lost from another's", async () => {
    fake.fail("PutObject", "loseAnswer");
    expect(await store.publish("small", Buffer.from("mine"))).toBe("published");
    fake.fail("CompleteMultipartUpload", "loseAnswer", 2);
    expect(await store.publish("large", large)).toBe("published");
    expect(fake.uploads.size).toBe(0);
    fake.fail("PutObject", { status: 503, code: "SlowDown" });
    expect(await store.publish("small", Buffer.from("other"))).toBe("exists");
    expect((await store.get("small")).toString()).toBe("mine");
  });

  it("tries again where it met another write under way (409)", async () => {
    const conflict: Fault = { status: 409, code: "ConditionalRequestConflict" };
    fake.fail("PutObject", conflict, 2);
    expect(await store.publish("small", Buffer.from("mine"))).toBe("published");
    await store.publish("settle", large);
    fake.fail("CompleteMultipartUpload", conflict, 2);
    expect(await store.publish("large", large)).toBe("published");
  });

  it("uses no more memory for a long stream than its parts under way", async () => {
    let drawn = 0;
    async function* source() {
      for (let i = 0; i < 40; i++) {
        drawn++;
        yield Buffer.alloc(1 << 20, i);
      }
    }
    const stop = new AbortController();
    const held = await openAt("s3://bucket", {}, stop.signal);
    await held.publish("settle", large);
    fake.fail("UploadPart", "hang", 1000);
    const publishing = held.publish("large", source());
    publishing.catch(() => undefined);
    await sleep(300);
    expect(drawn).toBeGreaterThanOrEqual(3);
    expect(drawn).toBeLessThanOrEqual(5);
    stop.abort(new Error("enough"));
    await expect(publishing).rejects.toThrow("enough");
  });

  it("publishes small blobs in one request, and doesn't list", async () => {
    await store.publish("a/small", Buffer.from("x"));
    await store.get("a/small");
    await store.stat("a/small");
    expect(fake.asked.map(({ operation }) => operation)).toEqual(["PutObject", "GetObject", "HeadObject"]);
  });
});

describe("opening a store on S3", () => {
  beforeEach(() => fake.reset());

  it("refuses a service that ignores If-None-Match, before it replaces anything", async () => {
    fake.fail("PutObject", "ignoreCondition", 1000);
    const error = await userError(openAt("s3://bucket/out"));
    expect(error).toMatchObject({ code: "s3_unconditional" });
    expect(visible()).toEqual(["out/.tmp/conditional-writes"]);
    // Reading needs no conditional writes.
    const reading = await openStore("s3://bucket/out", { readOnly: true, s3: settings() });
    expect(await reading.stat("none")).toBeNull();
  });

  it("refuses large blobs where only their completion ignores If-None-Match", async () => {
    fake.fail("CompleteMultipartUpload", "ignoreCondition", 1000);
    const opened = await openAt("s3://bucket");
    expect(await userError(opened.publish("large", large))).toMatchObject({ code: "s3_unconditional" });
    expect([visible(), fake.uploads.size]).toEqual([[], 0]);
    expect(await opened.publish("small", Buffer.from("x"))).toBe("published");
  });

  it("asks once whether conditions hold, with one request the next time", async () => {
    await openAt("s3://bucket");
    fake.asked.length = 0;
    await openAt("s3://bucket");
    expect(fake.asked.filter(({ operation }) => operation === "PutObject")).toHaveLength(1);
  });

  it.each([
    ["s3_access_denied", { status: 403, code: "AccessDenied" }],
    ["s3_no_bucket", { status: 404, code: "NoSuchBucket" }],
    ["s3_credentials_wrong", { status: 403, code: "InvalidAccessKeyId" }],
    ["s3_credentials_wrong", { status: 403, code: "SignatureDoesNotMatch" }],
    ["s3_credentials_expired", { status: 400, code: "ExpiredToken" }],
    [
      "s3_wrong_region",
      { status: 301, code: "PermanentRedirect", headers: { "x-amz-bucket-region": "eu-north-1" } },
    ],
    [
      "s3_wrong_region",
      {
        status: 400,
        code: "AuthorizationHeaderMalformed",
        message: "the region 'us-east-1' is wrong; expecting 'eu-north-1'",
      },
    ],
    ["disk_full", { status: 507, code: "XMinioStorageFull" }],
  ] as [string, Fault][])("says %s and what to do next for %j", async (code, fault) => {
    fake.fail("PutObject", fault, 1000);
    const error = await userError(openAt("s3://bucket"));
    expect(error.code).toBe(code);
    if (code === "s3_wrong_region") expect(error.hint).toContain("eu-north-1");
  });

  it("says so where no service is at the endpoint, the bucket's name is none, or there are no credentials", async () => {
    const closed = await FakeS3.start();
    const { endpoint } = closed;
    await closed.close();
    const nobody = await userError(openAt("s3://bucket", { endpoint, attempts: 2 }));
    expect(["s3_unreachable", "s3_timeout"]).toContain(nobody.code);
    expect(await userError(openAt("s3://nowhere"))).toMatchObject({ code: "s3_no_bucket" });
    for (const address of ["s3:///x", "s3://b", "s3://bucket/a//b", "s3://bucket/../x"])
      expect(await userError(openAt(address))).toMatchObject({ code: "s3_address" });
    const { stdout, stderr } = await inOtherProcess(
      `await openStore("s3://bucket").catch((error) => console.log(error.code, error.hint))`,
      { AWS_ENDPOINT_URL: fake.endpoint },
    );
    expect(stdout).toContain("s3_no_credentials Set AWS_ACCESS_KEY_ID");
    expect(stderr).toBe("");
  });

  it("finds endpoint, region and credentials where the AWS tools do", async () => {
    const home = await mkdtemp(join(tmpdir(), "pairloom-aws-"));
    await writeFile(
      join(home, "config"),
      `[profile mine]\nregion = eu-north-1\nservices = here\n[services here]\ns3 =\n  endpoint_url = ${fake.endpoint}\n`,
    );
    await writeFile(
      join(home, "credentials"),
      "[mine]\naws_access_key_id = filekey\naws_secret_access_key = secret\n",
    );
    const keys = { AWS_ACCESS_KEY_ID: "envkey", AWS_SECRET_ACCESS_KEY: "secret", AWS_SESSION_TOKEN: "token" };
    const files = {
      AWS_CONFIG_FILE: join(home, "config"),
      AWS_SHARED_CREDENTIALS_FILE: join(home, "credentials"),
    };
    try {
      for (const [env, says] of [
        [{ ...keys, AWS_ENDPOINT_URL_S3: fake.endpoint, AWS_ENDPOINT_URL: "http://127.0.0.1:9" }, "envkey"],
        [{ ...keys, AWS_ENDPOINT_URL: fake.endpoint, AWS_REGION: "eu-west-3" }, "eu-west-3"],
        [{ ...files, AWS_PROFILE: "mine" }, "filekey"],
      ] as const) {
        fake.asked.length = 0;
        expect(await inOtherProcess(`console.log((await openStore("s3://bucket")).url)`, env)).toEqual({
          stdout: "s3://bucket\n",
          stderr: "",
        });
        const { authorization = "", ...headers } = fake.asked[0]?.headers ?? {};
        expect(authorization).toContain(says);
        expect(authorization).toContain("AWS_PROFILE" in env ? "/eu-north-1/s3/" : "/s3/");
        expect(headers["x-amz-security-token"]).toBe("AWS_PROFILE" in env ? undefined : "token");
      }
    } finally {
      await rm(home, { recursive: true });
    }
  });
});

/** Runs a program that has `openStore` in a process with this environment alone. */
async function inOtherProcess(
  program: string,
  env: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  const entry = JSON.stringify(new URL("../dist/index.js", import.meta.url).href);
  return promisify(execFile)(
    process.execPath,
    ["--input-type=module", "-e", `const { openStore } = await import(${entry});\n${program}`],
    { env: { PATH: process.env["PATH"], HOME: "/nowhere", AWS_EC2_METADATA_DISABLED: "true", ...env } },
  );
}
