// One worker of the shared clocks' test: asks for some pictures at once, through clocks in Redis, by every rule.
import { webSettings } from "@pairloom/config";
import { Redis } from "ioredis";
import { openWeb } from "../dist/index.js";

const { redis: options, keyPrefix, urls, ...settings } = JSON.parse(process.argv[2]);
const redis = new Redis(options);
const web = openWeb({
  settings: webSettings.parse({ allowPrivate: ["127.0.0.0/8"], retries: 2, backoffMs: 20, ...settings }),
  redis,
  keyPrefix,
});
const answers = await Promise.all(urls.map((url) => web.getImage(url)));
await web.close();
redis.disconnect();
process.exit(answers.every(({ status }) => status === "ok") ? 0 : 1);
