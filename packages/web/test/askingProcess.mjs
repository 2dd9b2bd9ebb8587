// One worker of the shared clock's test: asks for some URLs some times, through clocks in Redis.
import { webSettings } from "@pairloom/config";
import { Redis } from "ioredis";
import { openWeb } from "../dist/index.js";

const { redis: options, keyPrefix, urls, times, gapMs, addressGapMs } = JSON.parse(process.argv[2]);
const redis = new Redis(options);
const web = openWeb({
  settings: webSettings.parse({
    allowPrivate: ["127.0.0.0/8"],
    hostGapMs: gapMs,
    addressGapMs,
    retries: 0,
    obeyRobots: false,
    obeyOptOuts: false,
  }),
  redis,
  keyPrefix,
});
const asked = urls.flatMap((url) => Array.from({ length: times }, () => web.getImage(url)));
const answers = await Promise.all(asked);
await web.close();
redis.disconnect();
process.exit(answers.every(({ status }) => status === "ok") ? 0 : 1);
