import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Frees now what JavaScript no longer reaches. V8 counts a model's values lightly (they lie outside its heap), and would
 * leave gigabytes of those that a training began with where they are for as long as it runs.
 */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
