/**
 * A program of its own, run by `probeAdapter`: prints the facts of the adapter that the webgpu engine would take, or null,
 * as one line of JSON. What drivers have to say goes to stderr.
 */
import { adapterFacts } from "./adapterFacts.js";
import { startDawn } from "./dawn.js";

const adapter = await (await startDawn()).requestAdapter();
process.stdout.write(JSON.stringify(adapter === null ? null : adapterFacts(adapter)) + "\n", () =>
  process.exit(0),
);
