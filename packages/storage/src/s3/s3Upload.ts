import { randomUUID } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { type S3Bucket, type Written, writerField } from "./s3Bucket.js";

/** An upload in parts: none of them is an object, or part of one, before it is completed. */
export class S3Upload {
  private constructor(
    private readonly bucket: S3Bucket,
    private readonly key: string,
    private readonly id: string,
    private readonly writer: string,
    /** The service checks the whole object's CRC-32. */
    private readonly isChecked: boolean,
  ) {}

  static async start(bucket: S3Bucket, key: string): Promise<S3Upload> {
    const writer = randomUUID();
    // AWS_REQUEST_CHECKSUM_CALCULATION says otherwise for services that refuse checksums.
    const isChecked = (await bucket.client.config.requestChecksumCalculation()) === "WHEN_SUPPORTED";
    const started = await bucket.asked(key, () =>
      bucket.client.send(
        new CreateMultipartUploadCommand({
          Bucket: bucket.bucket,
          Key: key,
          Metadata: { [writerField]: writer },
          ...(isChecked ? { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" } : {}),
        }),
        { abortSignal: bucket.signal },
      ),
    );
    return new S3Upload(bucket, key, started.UploadId ?? "", writer, isChecked);
  }

  /** Uploads part `number` (from 1 on); its checksum goes with it. */
  async part(number: number, body: Uint8Array, signal: AbortSignal): Promise<CompletedPart> {
    const sent = await this.bucket.asked(this.key, () =>
      this.bucket.client.send(new UploadPartCommand({ ...this.place, PartNumber: number, Body: body }), {
        abortSignal: signal,
      }),
    );
    const { ETag, ChecksumCRC32 } = sent;
    return { PartNumber: number, ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) };
  }

  /** Makes the parts an object in one step. @param options.crc of the whole, as S3 writes it */
  async complete(
    parts: CompletedPart[],
    { onlyIfNew, crc }: { onlyIfNew: boolean; crc: string },
  ): Promise<Written> {
    return this.bucket.settled(this.key, { writer: this.writer, onlyIfNew }, () =>
      this.bucket.client.send(
        new CompleteMultipartUploadCommand({
          ...this.place,
          MultipartUpload: { Parts: parts },
          ...(onlyIfNew ? { IfNoneMatch: "*" } : {}),
          ...(this.isChecked ? { ChecksumCRC32: crc, ChecksumType: "FULL_OBJECT" } : {}),
        }),
        { abortSignal: this.bucket.signal },
      ),
    );
  }

  /** Removes the parts, also when all else was stopped; waits no longer than a stalled connection. */
  async abort(): Promise<void> {
    const abortSignal = AbortSignal.timeout(this.bucket.settings.stallMs);
    await this.bucket.client
      .send(new AbortMultipartUploadCommand(this.place), { abortSignal })
      .catch((error: unknown) => {
        if ((error as Error).name !== "NoSuchUpload") throw error;
      });
  }

  private get place(): { Bucket: string; Key: string; UploadId: string } {
    return { Bucket: this.bucket.bucket, Key: this.key, UploadId: this.id };
  }
}
