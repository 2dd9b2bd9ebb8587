import { createProgram } from "./program.js";
import { dashedOptions } from "./terminal/dashedOptions.js";
import { reportFailure } from "./terminal/failure.js";

// whoever read the output has enough (`pairloom tokenize | head`): no error, and nothing more to do
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

const json = process.argv.includes("--json");
try {
  await createProgram().parseAsync(
    process.argv[2] === "fetch" ? dashedOptions(process.argv) : process.argv,
  );
} catch (error) {
  process.exitCode = reportFailure(error, json);
}
