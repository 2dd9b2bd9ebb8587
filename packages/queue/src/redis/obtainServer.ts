import { UserError } from "@pairloom/config/errors";
import { downloadServer, type DownloadOptions } from "./downloadServer.js";
import { findServer, usualSearchPath, type ServerProgram } from "./findServer.js";

export interface ObtainServerOptions {
  /** PATH: where valkey-server or redis-server is looked for. */
  searchPath?: string | undefined;
  /** How a server is fetched where none is installed; false: not at all. */
  download?: DownloadOptions | false | undefined;
}

/** An installed server, else one fetched from the distribution's packages. @throws UserError "redis_missing" */
export async function obtainServer(
  options: ObtainServerOptions,
  log: (message: string) => void,
): Promise<ServerProgram> {
  const found = await findServer(options.searchPath ?? usualSearchPath);
  if (found !== null) return found;
  const fetched =
    options.download === false
      ? { failure: "it was not to be downloaded" }
      : await downloadServer(options.download ?? {}, log);
  if (!("failure" in fetched)) return fetched;
  throw new UserError(
    "redis_missing",
    `No Redis to work with: neither valkey-server nor redis-server is on the PATH, and ${fetched.failure}`,
    {
      hint: [
        "There are three ways to one:",
        "1. set REDIS_URL to a Redis or Valkey that runs already (redis://host:6379);",
        "2. install one so that it is on the PATH (apt-get install redis-server, brew install valkey, dnf install valkey);",
        "3. on Debian and Ubuntu with apt's package servers in reach, run the same command again: it fetches one by itself.",
      ].join("\n"),
    },
  );
}
