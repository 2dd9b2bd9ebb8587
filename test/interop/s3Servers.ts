import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";

const python = process.env.PAIRLOOM_S3 ?? "";

/** Why the suites over S3 can't run; null where they can. */
export const s3Missing =
  python === ""
    ? "needs S3 servers (PAIRLOOM_S3 names a Python that has them; environment.sh s3 makes it)"
    : null;

export const s3Credentials = { accessKeyId: "pairloom-key", secretAccessKey: "pairloom-secret" };

export interface S3Server {
  endpoint: string;
  /** Environment of a process that uses it as the AWS tools would. */
  env: Record<string, string>;
  makeBucket(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Ports that nobody listens on. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function started(child: ChildProcess, endpoint: string, close: () => Promise<void>): Promise<S3Server> {
  let said = "";
  child.stdout?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
  const client = new S3Client({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: s3Credentials,
    maxAttempts: 1,
  });
  const server: S3Server = {
    endpoint,
    env: {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: "true",
    },
    makeBucket: async (name) => void (await client.send(new CreateBucketCommand({ Bucket: name }))),
    close: async () => {
      client.destroy();
      const over = once(child, "exit");
      if (child.exitCode === null && child.kill()) await over;
      await close();
    },
  };
  for (const untilMs = Date.now() + 60_000; ;) {
    try {
      await server.makeBucket("is-it-up");
      return server;
    } catch (error) {
      if (Date.now() < untilMs && child.exitCode === null) await sleep(200);
      else {
        await server.close();
        throw new Error(`The S3 server didn't start: ${(error as Error).message}\n${said}`);
      }
    }
  }
}

/** Moto: a Python process that keeps everything in memory. */
export async function startMoto(): Promise<S3Server> {
  const [port] = await freePorts(1);
  const child = spawn(join(dirname(python), "moto_server"), ["-H", "127.0.0.1", "-p", String(port)], {
    env: { ...process.env, AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" },
  });
  return started(child, `http://127.0.0.1:${port}`, () => Promise.resolve());
}

/** SeaweedFS: a real object store, with its master, volume server, filer and S3 gateway in one process. */
export async function startSeaweed(): Promise<S3Server> {
  const dir = await mkdtemp(join(tmpdir(), "pairloom-weed-"));
  const { accessKeyId: accessKey, secretAccessKey: secretKey } = s3Credentials;
  const identity = {
    name: "pairloom",
    credentials: [{ accessKey, secretKey }],
    actions: ["Admin", "Read", "Write", "List"],
  };
  await writeFile(join(dir, "s3.json"), JSON.stringify({ identities: [identity] }));
  const names = ["s3.port", "s3.port.grpc", "master.port", "master.port.grpc"];
  names.push("volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc");
  const ports = await freePorts(names.length);
  const child = spawn(
    join(dirname(python), "weed"),
    [
      "server",
      `-dir=${dir}`,
      "-ip=127.0.0.1",
      "-ip.bind=127.0.0.1",
      // It would tell its makers about itself.
      "-master.telemetry=false",
      "-master.volumeSizeLimitMB=64",
      "-volume.max=50",
      "-filer",
      `-filer.localSocket=${join(dir, "filer.sock")}`,
      "-s3",
      `-s3.config=${join(dir, "s3.json")}`,
      "-s3.autoCreateBucket=false",
      "-s3.port.iceberg=0",
      "-s3.port.lance=0",
      ...names.map((name, at) => `-${name}=${ports[at]}`),
    ],
    { cwd: dir },
  );
  return started(child, `http://127.0.0.1:${ports[0]}`, () => rm(dir, { recursive: true, force: true }));
}
