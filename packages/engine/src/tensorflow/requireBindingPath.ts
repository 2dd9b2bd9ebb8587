import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The file of `requireBinding`: it is loaded by `require`, in this process or another. */
export function requireBindingPath(): string {
  const beside = fileURLToPath(new URL("requireBinding.cjs", import.meta.url));
  // Under a runner of TypeScript sources, the compiled one
  return existsSync(beside) ? beside : beside.replace(/([\\/])src([\\/]tensorflow[\\/])/, "$1dist$2");
}
