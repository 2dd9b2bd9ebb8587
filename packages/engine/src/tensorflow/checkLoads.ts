import { UserError } from "@pairloom/config/errors";
import { lastLines, runProgram } from "./runProgram.js";
import { requireBindingPath } from "./requireBindingPath.js";

/**
 * Loads a binding in a child process and multiplies two matrices: a library that doesn't fit would take this process
 * down with it.
 * @returns TensorFlow's version
 */
export async function checkLoads(
  packageFolder: string,
  binding: string,
  expected: string | null,
): Promise<string> {
  const code = `
    const tf = require(process.argv[1])(process.argv[2], process.argv[3]);
    const product = tf.matMul(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[5, 6], [7, 8]]));
    const version = tf.backend().binding.TF_Version;
    console.log("checked " + JSON.stringify({ version, values: Array.from(product.dataSync()) }));`;
  const result = await runProgram(process.execPath, [
    "-e",
    code,
    requireBindingPath(),
    packageFolder,
    binding,
  ]);
  const line = /^checked (.*)$/m.exec(result.stdout)?.[1];
  const answer = line === undefined ? null : (JSON.parse(line) as { version: string; values: number[] });
  const right = answer?.values.join() === "19,22,43,50" && (expected === null || answer.version === expected);
  if (!right || answer === null)
    throw new UserError(
      "engine_check_failed",
      `The installed TensorFlow does not work here:\n${lastLines(result)}`,
      {
        hint: "The wasm engine works without it: `--engine wasm`.",
      },
    );
  return answer.version;
}
