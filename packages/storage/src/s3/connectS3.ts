import { S3Client } from "@aws-sdk/client-s3";
import { state as sdkState } from "@aws-sdk/core/client";
import { loadConfig, NODE_REGION_CONFIG_OPTIONS } from "@smithy/core/config";
import { StandardRetryStrategy } from "@smithy/core/retry";
import { backoffOf, type S3Settings } from "./s3Settings.js";

/** A service's own endpoint, as the AWS tools are told of it; undefined: Amazon's. */
const configuredEndpoint = (): Promise<string | undefined> =>
  loadConfig<string | undefined>({
    environmentVariableSelector: (env) => env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"],
    configFileSelector: (profile, file) => {
      const services = file?.[`services.${profile["services"] ?? ""}`];
      return services?.["s3.endpoint_url"] ?? profile["endpoint_url"];
    },
    default: undefined,
  })();

/** Amazon's oldest region: others send a bucket's requests on from there, and other services take it for theirs. */
const defaultRegion = "us-east-1";

/** A client of the service; what the settings leave out is looked up as the AWS tools do. */
export async function connectS3(
  settings: S3Settings & { stallMs: number; attempts: number; backoffMs: number },
): Promise<S3Client> {
  const { stallMs, attempts, backoffMs, credentials } = settings;
  const endpoint = settings.endpoint ?? (await configuredEndpoint());
  const region =
    settings.region ??
    (await loadConfig<string>({ ...NODE_REGION_CONFIG_OPTIONS, default: defaultRegion })());
  // The pinned version is made for Node 20; that later ones won't be is nothing that a user can act on.
  sdkState.warningEmitted = true;
  const client = new S3Client({
    region,
    followRegionRedirects: endpoint === undefined,
    // A bucket's own host name needs a wildcard name and certificate, which only Amazon's endpoint is sure to have.
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? {} : { credentials }),
    requestHandler: {
      connectionTimeout: Math.min(stallMs, 10_000),
      socketTimeout: stallMs,
      // Until the answer begins: an upload over a slow line takes long, but not for ever.
      requestTimeout: 10 * stallMs,
      throwOnRequestTimeout: true,
    },
    retryStrategy: new StandardRetryStrategy({
      maxAttempts: attempts,
      baseDelay: backoffMs,
      backoff: {
        computeNextBackoffDelay: (tries) => backoffOf(backoffMs, tries + 1),
        setDelayBase: () => undefined,
      },
    }),
    // Whole objects are checked as they are read, across resumed connections: wholeChecksum.ts.
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        // Beside an upload this header would keep the SDK from sending the upload's own checksum.
        if (commandName === "GetObjectCommand")
          (args.request as { headers: Record<string, string> }).headers["x-amz-checksum-mode"] = "ENABLED";
        return next(args);
      },
    { step: "build", name: "pairloomAskForChecksum" },
  );
  return client;
}
