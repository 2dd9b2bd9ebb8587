import { DiskFullError, UserError } from "@pairloom/config/errors";

/** What of an error of the SDK says what went wrong. */
interface S3Error extends Error {
  code?: string;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $response?: { headers?: Record<string, string> };
}

export const statusOfS3Error = (error: unknown): number | null =>
  (error as S3Error).$metadata?.httpStatusCode ?? null;

const credentialHint =
  "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or AWS_PROFILE; see docs/storage.md.";

/** Says what to do next about an error of the service or the way to it; others stay as they are. @param where "s3://…" */
export function explainS3Error(error: unknown, where: string, bucket: string): unknown {
  if (!(error instanceof Error)) return error;
  const { name, code, message, $metadata, $response } = error as S3Error;
  const status = $metadata?.httpStatusCode;
  const user = (kind: string, says: string, hint: string) =>
    new UserError(kind, says, { hint, cause: error });
  switch (name) {
    case "NoSuchBucket":
      return user(
        "s3_no_bucket",
        `There is no bucket "${bucket}" at this endpoint`,
        "Check its name and AWS_ENDPOINT_URL, or make it: aws s3 mb s3://BUCKET.",
      );
    case "CredentialsProviderError":
    case "TokenProviderError":
      return user("s3_no_credentials", `No credentials for ${where}: ${message}`, credentialHint);
    case "InvalidAccessKeyId":
    case "SignatureDoesNotMatch":
    case "InvalidToken":
    case "InvalidSecurity":
      return user("s3_credentials_wrong", `${where} refuses the credentials: ${message}`, credentialHint);
    case "ExpiredToken":
    case "ExpiredTokenException":
      return user(
        "s3_credentials_expired",
        `The credentials for ${where} have expired`,
        "Renew them (aws sso login, or a new session token) and run the command again.",
      );
    case "RequestTimeTooSkewed":
      return user("s3_clock", `${where} says that this machine's clock is wrong`, "Set the clock.");
    case "QuotaExceeded":
    case "XMinioStorageFull":
      return new DiskFullError(where, error);
    case "AuthorizationHeaderMalformed":
    case "PermanentRedirect":
    case "IllegalLocationConstraintException":
      return wrongRegion();
  }
  if (status === 301 || status === 307) return wrongRegion();
  if (status === 403)
    return user(
      "s3_access_denied",
      `Access to ${where} is denied${name === "403" || name === "Forbidden" ? "" : ` (${name})`}`,
      "Allow these credentials s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and, on the bucket, s3:ListBucket (without it a missing object is a denied one).",
    );
  if (status === 507) return new DiskFullError(where, error);
  if (name === "TimeoutError" || /timed? ?out/i.test(message))
    return user(
      "s3_timeout",
      `${where} didn't answer in time, ${tries()}`,
      "Check the network and AWS_ENDPOINT_URL, and run the same command again: it goes on where it stopped.",
    );
  if (["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"].includes(code ?? ""))
    return user(
      "s3_unreachable",
      `Can't reach ${where}: ${message}`,
      "Check the network, AWS_ENDPOINT_URL and AWS_REGION.",
    );
  if (status === undefined && ["ECONNRESET", "EPIPE"].includes(code ?? ""))
    return user(
      "s3_connection",
      `The connection to ${where} broke, ${tries()}: ${message}`,
      "Run the same command again: it goes on where it stopped.",
    );
  if (status !== undefined && (status >= 500 || status === 429))
    return user(
      "s3_unavailable",
      `${where} answered ${status} (${name}), ${tries()}`,
      "Run the same command again later: it goes on where it stopped.",
    );
  return error;

  function tries(): string {
    const attempts = $metadata?.attempts ?? 1;
    return attempts === 1 ? "once" : `${attempts} times`;
  }

  function wrongRegion(): UserError {
    const region =
      $response?.headers?.["x-amz-bucket-region"] ?? /expecting '([^']+)'/.exec(message)?.[1] ?? null;
    return user(
      "s3_wrong_region",
      `The bucket "${bucket}" lies in another region${region === null ? "" : `: ${region}`}`,
      `Set AWS_REGION=${region ?? "REGION"}, or AWS_ENDPOINT_URL to that region's endpoint.`,
    );
  }
}
