import { afterAll, beforeAll, describe } from "vitest";
import { openStore } from "@pairloom/storage";
import { storeConformance } from "../../packages/storage/test/storeConformance.js";
import { s3Credentials, s3Missing, type S3Server, startMoto, startSeaweed } from "./s3Servers.js";

if (s3Missing !== null) console.log(`Stores on S3 are skipped: ${s3Missing}`);

const servers = [
  { name: "moto", start: startMoto, options: {} },
  {
    name: "SeaweedFS",
    start: startSeaweed,
    // Of eight CompleteMultipartUpload at once, each with If-None-Match, 4.48 lets all eight win; PutObject holds.
    options: { largeRace: "its conditional completion isn't atomic" },
  },
] as const;

describe.skipIf(s3Missing !== null).each(servers)("$name", ({ start, options }) => {
  let server: S3Server;
  beforeAll(async () => {
    server = await start();
    await server.makeBucket("conformance");
  });
  afterAll(() => server.close());

  for (const folder of ["", "/a folder/below"])
    storeConformance(
      `a bucket${folder}`,
      async () => {
        const again = () =>
          openStore(`s3://conformance${folder}`, {
            s3: { endpoint: server.endpoint, credentials: s3Credentials, partBytes: 5 << 20 },
          });
        return { store: await again(), again, remove: () => Promise.resolve() };
      },
      options,
    );
});
