import { UserError } from "@pairloom/config/errors";
import { checkBlobName } from "../blobName.js";

/** Where a store lies: a bucket, and what the keys of its objects begin with ("" or "folder/"). */
export interface S3Address {
  bucket: string;
  prefix: string;
}

/** Amazon's rules; some services allow more, none needs it. */
const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/i;

/**
 * Reads "s3://bucket/folder"; as with the AWS tools nothing of it is percent-encoded.
 * @throws UserError where it names no bucket, or the folder can't be one
 */
export function s3Address(url: string): S3Address {
  const [, bucket = "", folder = ""] = /^s3:\/\/([^/]*)\/?(.*?)\/?$/is.exec(url) ?? [];
  if (!bucketName.test(bucket))
    throw new UserError("s3_address", `${url} doesn't name a bucket`, {
      hint: "Write s3://BUCKET/FOLDER; a bucket's name has 3 to 63 lower-case letters, digits, - and dots.",
    });
  if (folder === "") return { bucket, prefix: "" };
  try {
    return { bucket, prefix: `${checkBlobName(folder)}/` };
  } catch (cause) {
    throw new UserError("s3_address", `${url}: ${(cause as Error).message}`, {
      hint: "Write s3://BUCKET/FOLDER, without empty parts.",
      cause,
    });
  }
}
