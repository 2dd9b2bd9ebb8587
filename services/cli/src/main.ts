import { createProgram } from "./program.js";
import { reportFailure } from "./terminal/failure.js";

const json = process.argv.includes("--json");
try {
  await createProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = reportFailure(error, json);
}
