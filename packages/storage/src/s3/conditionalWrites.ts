import { crc32 } from "node:zlib";
import { UserError } from "@pairloom/config/errors";
import { workFolder } from "../blobName.js";
import type { S3Bucket } from "./s3Bucket.js";
import { S3Upload } from "./s3Upload.js";
import { crc32Text } from "./wholeChecksum.js";

const note = Buffer.from(
  "pairloom asks by this object whether conditional writes hold; it may be deleted.\n",
);

/**
 * Finds out, before anything is published, whether the service holds to If-None-Match. One that ignores it would let a
 * second writer replace the first one's blob, unseen. A small object with a fixed name stays behind, so that the next
 * time one request is enough.
 */
export class ConditionalWrites {
  private readonly key: string;
  private inParts: Promise<void> | null = null;

  constructor(
    private readonly bucket: S3Bucket,
    prefix: string,
  ) {
    this.key = `${prefix}${workFolder}/conditional-writes`;
  }

  /** @throws UserError where a second write in one request would replace the first */
  async mustHold(): Promise<void> {
    for (let writes = 0; writes < 2; writes++)
      if ((await this.bucket.put(this.key, note, { onlyIfNew: true })) === "exists") return;
    throw notHeld(this.bucket, "PutObject");
  }

  /** As `mustHold`, of uploads in parts; asked once, when the first is made. */
  async mustHoldInParts(): Promise<void> {
    this.inParts ??= this.tryInParts().catch((error: unknown) => {
      this.inParts = null;
      throw error;
    });
    return this.inParts;
  }

  private async tryInParts(): Promise<void> {
    const upload = await S3Upload.start(this.bucket, this.key);
    let isRefused = false;
    try {
      const part = await upload.part(1, note, this.bucket.signal);
      const written = await upload.complete([part], { onlyIfNew: true, crc: crc32Text(crc32(note)) });
      isRefused = written === "exists";
    } finally {
      await upload.abort();
    }
    if (!isRefused) throw notHeld(this.bucket, "CompleteMultipartUpload");
  }
}

function notHeld(bucket: S3Bucket, operation: string): UserError {
  return new UserError(
    "s3_unconditional",
    `The service of s3://${bucket.bucket} ignores If-None-Match in ${operation}: two writers could replace each other's files`,
    {
      hint: "Use a service that has conditional writes (Amazon S3, MinIO, Cloudflare R2 …), a newer version of this one, or a local folder; see docs/storage.md.",
    },
  );
}
