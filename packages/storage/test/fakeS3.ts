import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";

/** What goes wrong with a request. */
export type Fault =
  /** An error in S3's form. */
  | { status: number; code: string; headers?: Record<string, string>; message?: string }
  /** The connection is cut once so many bytes of the request or the answer's body have passed. */
  | { cut: "request" | "answer"; afterBytes: number }
  /** What was asked for is done, and the connection is cut instead of an answer. */
  | "loseAnswer"
  /** No byte comes. */
  | "hang"
  /** The answer's body stops half-way, and the connection stays. */
  | "stall"
  /** A byte of the answer's body is another. */
  | "corrupt"
  /** If-None-Match is not looked at. */
  | "ignoreCondition";

export interface Asked {
  /** "PutObject", "GetObject" … */
  operation: string;
  key: string;
  headers: IncomingMessage["headers"];
}

interface StoredObject {
  body: Buffer;
  etag: string;
  crc: string;
  headers: Record<string, string>;
}

const crcOf = (body: Buffer): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString("base64");
};
const quoted = (body: Buffer) => `"${createHash("md5").update(body).digest("hex")}"`;
const escaped = (text: string) => text.replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`);

/** A small S3 service on loopback that keeps to S3's rules in one bucket, and to the faults that it is given. */
export class FakeS3 {
  readonly objects = new Map<string, StoredObject>();
  readonly uploads = new Map<
    string,
    { key: string; headers: Record<string, string>; parts: Map<number, Buffer> }
  >();
  readonly asked: Asked[] = [];
  private faults: { operation: string; fault: Fault; times: number }[] = [];
  private readonly server = createServer((request, response) => void this.serve(request, response));
  readonly bucket = "bucket";

  static async start(): Promise<FakeS3> {
    const fake = new FakeS3();
    await new Promise<void>((resolve) => fake.server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next `times` requests of an operation go wrong. */
  fail(operation: string, fault: Fault, times = 1): void {
    this.faults.push({ operation, fault, times });
  }

  /** Forgets objects, requests and faults. */
  reset(): void {
    this.objects.clear();
    this.uploads.clear();
    this.asked.length = 0;
    this.faults = [];
  }

  count(operation: string): number {
    return this.asked.filter((one) => one.operation === operation).length;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "http://fake");
    const [, bucket = "", ...rest] = url.pathname.split("/");
    const key = decodeURIComponent(rest.join("/"));
    const operation = operationOf(request.method ?? "", key, url.searchParams);
    this.asked.push({ operation, key, headers: request.headers });
    const rule = this.faults.find((one) => one.operation === operation && one.times > 0);
    if (rule !== undefined) rule.times--;
    const fault = rule?.fault;
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of request) {
        chunks.push(chunk as Buffer);
        bytes += (chunk as Buffer).length;
        if (
          typeof fault === "object" &&
          "cut" in fault &&
          fault.cut === "request" &&
          bytes >= fault.afterBytes
        )
          return void request.socket.destroy();
      }
    } catch {
      return;
    }
    if (fault === "hang") return;
    const answer =
      typeof fault === "object" && "status" in fault
        ? failure(fault.status, fault.code, fault.message, fault.headers)
        : bucket === this.bucket
          ? this.answer(
              operation,
              key,
              url.searchParams,
              request,
              Buffer.concat(chunks),
              fault === "ignoreCondition",
            )
          : failure(404, "NoSuchBucket");
    if (fault === "loseAnswer") return void request.socket.destroy();
    const body = Buffer.from(answer.body ?? "");
    const length = answer.headers["content-length"] ?? String(body.length);
    response.writeHead(answer.status, { ...answer.headers, "content-length": length });
    if (request.method === "HEAD") return void response.end();
    if (fault === "corrupt") body.writeUInt8(body.readUInt8(5) ^ 1, 5);
    if (fault === "stall") return void response.write(body.subarray(0, body.length / 2));
    if (typeof fault === "object" && "cut" in fault && fault.cut === "answer") {
      response.write(body.subarray(0, fault.afterBytes), () => request.socket.destroy());
      return;
    }
    response.end(body);
  }

  private answer(
    operation: string,
    key: string,
    query: URLSearchParams,
    request: IncomingMessage,
    body: Buffer,
    ignoreCondition: boolean,
  ): Answer {
    const { headers } = request;
    const header = (name: string) => headers[name] as string | undefined;
    const sent = header("x-amz-checksum-crc32");
    const metadata = Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        name.startsWith("x-amz-meta-") ? [[name, String(value)]] : [],
      ),
    );
    const isTaken = header("if-none-match") === "*" && this.objects.has(key) && !ignoreCondition;
    const id = query.get("uploadId") ?? "";
    const upload = this.uploads.get(id);
    switch (operation) {
      case "PutObject":
        if (isTaken) return failure(412, "PreconditionFailed");
        if (sent !== undefined && sent !== crcOf(body)) return failure(400, "BadDigest");
        return this.store(key, body, quoted(body), metadata);
      case "HeadObject":
      case "GetObject":
        return this.read(key, header("range"), header("if-match"));
      case "DeleteObject":
        this.objects.delete(key);
        return { status: 204, headers: {} };
      case "CreateMultipartUpload": {
        const made = randomUUID();
        this.uploads.set(made, { key, headers: metadata, parts: new Map() });
        return xml(
          `<InitiateMultipartUploadResult><UploadId>${made}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      case "UploadPart":
        if (upload === undefined) return failure(404, "NoSuchUpload");
        if (sent !== undefined && sent !== crcOf(body)) return failure(400, "BadDigest");
        upload.parts.set(Number(query.get("partNumber")), body);
        return {
          status: 200,
          headers: { etag: quoted(body), ...(sent && { "x-amz-checksum-crc32": sent }) },
        };
      case "CompleteMultipartUpload": {
        if (upload === undefined) return failure(404, "NoSuchUpload");
        if (isTaken) return failure(412, "PreconditionFailed");
        const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)</g)].map(([, number]) =>
          Number(number),
        );
        const whole = Buffer.concat(numbers.map((number) => upload.parts.get(number)!));
        if (sent !== undefined && sent !== crcOf(whole)) return failure(400, "BadDigest");
        this.uploads.delete(id);
        this.store(key, whole, `"${randomUUID()}-${numbers.length}"`, upload.headers);
        return xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
      }
      case "AbortMultipartUpload":
        return this.uploads.delete(id) ? { status: 204, headers: {} } : failure(404, "NoSuchUpload");
      case "ListObjectsV2":
        return this.list(query);
      default:
        return failure(501, "NotImplemented");
    }
  }

  private store(key: string, body: Buffer, etag: string, headers: Record<string, string>): Answer {
    this.objects.set(key, { body, etag, crc: crcOf(body), headers });
    return { status: 200, headers: { etag } };
  }

  private read(key: string, range: string | undefined, ifMatch: string | undefined): Answer {
    const object = this.objects.get(key);
    if (object === undefined) return failure(404, "NoSuchKey");
    const { body, etag, crc } = object;
    if (ifMatch !== undefined && ifMatch !== etag) return failure(412, "PreconditionFailed");
    const headers = { etag, "accept-ranges": "bytes", ...object.headers };
    if (range === undefined)
      return {
        status: 200,
        headers: { ...headers, "x-amz-checksum-crc32": crc, "content-length": String(body.length) },
        body,
      };
    const [, from, until] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
    const start = Number(from);
    if (start >= body.length) return failure(416, "InvalidRange");
    const end = until === "" ? body.length : Math.min(body.length, Number(until) + 1);
    const given = `bytes ${start}-${end - 1}/${body.length}`;
    return { status: 206, headers: { ...headers, "content-range": given }, body: body.subarray(start, end) };
  }

  private list(query: URLSearchParams): Answer {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const most = Number(query.get("max-keys") ?? 1000);
    const isFlat = query.get("delimiter") === "/";
    const sorted = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix) && !(isFlat && key.slice(prefix.length).includes("/")))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .filter((key) => after === "" || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
    const page = sorted.slice(0, most);
    const contents = page.map(
      (key) =>
        `<Contents><Key>${escaped(encodeURIComponent(key))}</Key><Size>${this.objects.get(key)!.body.length}</Size></Contents>`,
    );
    const isCut = sorted.length > page.length;
    const next = isCut ? `<NextContinuationToken>${escaped(page.at(-1)!)}</NextContinuationToken>` : "";
    return xml(
      `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${isCut}</IsTruncated>${next}${contents.join("")}</ListBucketResult>`,
    );
  }
}

interface Answer {
  status: number;
  headers: Record<string, string>;
  body?: Buffer | string;
}

const xml = (body: string): Answer => ({
  status: 200,
  headers: { "content-type": "application/xml" },
  body: `<?xml version="1.0" encoding="UTF-8"?>${body}`,
});

const failure = (
  status: number,
  code: string,
  message = code,
  headers: Record<string, string> = {},
): Answer => ({
  ...xml(`<Error><Code>${code}</Code><Message>${escaped(message)}</Message></Error>`),
  status,
  headers: { "content-type": "application/xml", ...headers },
});

function operationOf(method: string, key: string, query: URLSearchParams): string {
  if (key === "") return "ListObjectsV2";
  if (query.has("uploads")) return "CreateMultipartUpload";
  if (query.has("uploadId"))
    return (
      { PUT: "UploadPart", POST: "CompleteMultipartUpload", DELETE: "AbortMultipartUpload" }[method] ?? method
    );
  return { PUT: "PutObject", GET: "GetObject", HEAD: "HeadObject", DELETE: "DeleteObject" }[method] ?? method;
}
