// Imported into the process under test: appends its memory after a collection to the file that MEMORY_LOG names, as JSON
// lines, every two seconds.
import { appendFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
setInterval(() => {
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  appendFileSync(process.env.MEMORY_LOG, `${JSON.stringify({ rss, held: heapUsed + external })}\n`);
}, 2000).unref();
