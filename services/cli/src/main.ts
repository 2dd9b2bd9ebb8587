import { dashedOptions } from "./terminal/dashedOptions.js";
import { reportFailure } from "./terminal/failure.js";

// whoever read the output has enough (`pairloom tokenize | head`): no error, and nothing more to do
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});

const json = process.argv.includes("--json");
try {
  if (process.argv[2] === "fetch") {
    const { createFetchProgram } = await import("./fetchProgram.js");
    await createFetchProgram().parseAsync(dashedOptions(process.argv));
  } else {
    const { createProgram } = await import("./program.js");
    await createProgram().parseAsync(process.argv);
  }
} catch (error) {
  process.exitCode = reportFailure(error, json);
}
