import { Buffer } from "node:buffer";

/** The name of a blob that no store takes: a fault of the caller, or of a file that names blobs. */
export class BlobNameError extends Error {
  readonly code = "blob_name_invalid";
  constructor(blobName: string, why: string) {
    super(`${JSON.stringify(blobName.slice(0, 200))} is no name for a blob: ${why}`);
    this.name = "BlobNameError";
  }
}

/** A folder at the top of a local store for unfinished files; no blob can be named so. */
export const workFolder = ".tmp";

const forbidden = /[\u0000-\u001f\u007f\\]/;

/**
 * Checks the name of a blob: a relative POSIX path of at most 1,024 bytes, no part of it empty, "." or "..",
 * or longer than 255 bytes.
 * @returns the name
 * @throws BlobNameError
 */
export function checkBlobName(name: string): string {
  if (name === "") throw new BlobNameError(name, "it is empty");
  if (name.startsWith("/")) throw new BlobNameError(name, "it is absolute");
  if (forbidden.test(name)) throw new BlobNameError(name, "control characters and \\ are not allowed");
  const bytes = Buffer.from(name, "utf8");
  if (bytes.length > 1024) throw new BlobNameError(name, "it is longer than 1,024 bytes");
  if (bytes.toString("utf8") !== name) throw new BlobNameError(name, "it is not well-formed Unicode");
  const parts = name.split("/");
  if (parts[0] === workFolder) throw new BlobNameError(name, `"${workFolder}" is for unfinished files`);
  for (const part of parts) {
    if (part === "") throw new BlobNameError(name, "a part of it is empty");
    if (part === "." || part === "..") throw new BlobNameError(name, `"${part}" is not allowed`);
    if (Buffer.byteLength(part) > 255) throw new BlobNameError(name, "a part is longer than 255 bytes");
  }
  return name;
}
