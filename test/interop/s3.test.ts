import { afterAll, beforeAll, describe } from "vitest";
import { openStore } from "../../packages/storage/src/index.js";
import { storeConformance } from "../../packages/storage/test/storeConformance.js";
import { s3Credentials, s3Missing, type S3Server, startMoto, startSeaweed } from "./s3Servers.js";

if (s3Missing !== null) console.log(`Stores on S3 are skipped: ${s3Missing}`);

// Of eight CompleteMultipartUpload at once, each with If-None-Match, moto 5.2.5 lets several win and SeaweedFS 4.48 all
// eight; one after the other they hold, and PutObject always does. packages/storage/test/s3Store.test.ts has that race.
const largeRace = "its conditional completion isn't atomic";
const servers = [
  { name: "moto", start: startMoto, options: { largeRace } },
  { name: "SeaweedFS", start: startSeaweed, options: { largeRace, disorder: "it sorts folders as files" } },
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
