import { setFlagsFromString } from "node:v8";
import { dashedOptions } from "./terminal/dashedOptions.js";
import { reportFailure } from "./terminal/failure.js";

// whoever read the output has enough (`pairloom tokenize | head`): no error, and nothing more to do
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

const json = process.argv.includes("--json");
try {
  const isFetch = process.argv[2] === "fetch";
  if (isFetch) {
    // Bodies pass through a small heap: by V8's own measure the whole of it would be collected for every thirty pictures,
    // and room for 32 MB of what is new would be made, which little of it needs. Before anything is imported.
    setFlagsFromString("--heap-growing-percent=160");
    setFlagsFromString("--semi-space-growth-factor=1");
  }
  const { createProgram } = await import("./program.js");
  const program = await createProgram(process.argv.slice(2));
  await program.parseAsync(isFetch ? dashedOptions(process.argv) : process.argv);
} catch (error) {
  process.exitCode = reportFailure(error, json);
}
