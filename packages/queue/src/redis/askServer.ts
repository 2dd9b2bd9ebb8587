import { connect } from "node:net";

/**
 * Sends one inline command to a Redis on a unix socket and returns the start of its answer as it came
 * ("+PONG", "-LOADING …"). For start and stop only, where a client that reconnects would be in the way.
 * @throws Error with the socket's `code` (ENOENT, ECONNREFUSED), or `code` "ETIMEDOUT"
 */
export async function askServer(socketPath: string, command: string, timeoutMs = 2000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path: socketPath });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(Object.assign(new Error(`No answer from ${socketPath}`), { code: "ETIMEDOUT" }));
    }, timeoutMs);
    let answer = "";
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on("connect", () => socket.write(`${command}\r\n`));
    socket.on("data", (bytes: Buffer) => {
      answer += bytes.toString("utf8");
      if (isWhole(answer)) done();
    });
    socket.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.on("end", done);
  });
}

/** A status or error line, or an array of two bulk strings (CONFIG GET). */
function isWhole(answer: string): boolean {
  if (answer.startsWith("*2")) return answer.split("\r\n").length >= 6;
  return answer.endsWith("\r\n");
}

/** "ready", "loading", or null where nobody answers. */
export async function pingServer(socketPath: string): Promise<"ready" | "loading" | null> {
  try {
    const answer = await askServer(socketPath, "PING");
    if (answer.startsWith("+PONG")) return "ready";
    return answer.startsWith("-LOADING") ? "loading" : null;
  } catch (error) {
    // A server that accepts but is busy (a long fsync) is there all the same.
    return (error as NodeJS.ErrnoException).code === "ETIMEDOUT" ? "loading" : null;
  }
}

/** The folder in which the server that answers there keeps its data. */
export async function serverFolder(socketPath: string): Promise<string | null> {
  const lines = (await askServer(socketPath, "CONFIG GET dir")).split("\r\n");
  return lines[4] ?? null;
}
