import { createServer, type RequestListener, type Server } from "node:http";
import { UserError } from "@pairloom/config/errors";

/** One handler on several addresses of this machine, all at one port (0: a free one is chosen). */
export async function listenEverywhere(
  addresses: readonly string[],
  wantedPort: number,
  handler: RequestListener,
): Promise<{ port: number; close(): Promise<void> }> {
  for (let attempt = 0; ; attempt++) {
    const servers: Server[] = [];
    const close = async () => {
      await Promise.all(servers.map(closeServer));
    };
    try {
      let port = wantedPort;
      for (const address of addresses) {
        const server = await listen(address, port, handler);
        servers.push(server);
        const bound = server.address();
        if (bound !== null && typeof bound === "object") port = bound.port;
      }
      return { port, close };
    } catch (error) {
      await close();
      const code = (error as NodeJS.ErrnoException).code;
      // a port that is free on one address may be taken on another
      if (code === "EADDRINUSE" && wantedPort === 0 && attempt < 10) continue;
      throw listenError(error, code, addresses, wantedPort);
    }
  }
}

function listen(address: string, port: number, handler: RequestListener): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 4000 }, handler);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, 1024, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function listenError(
  error: unknown,
  code: string | undefined,
  addresses: readonly string[],
  port: number,
): unknown {
  if (code === "EADDRINUSE")
    return new UserError(
      "demo_port_in_use",
      `Port ${port} is in use on one of ${addresses[0]} … ${addresses.at(-1)}`,
      {
        hint: "Choose another port, or 0 for any free one.",
        cause: error,
      },
    );
  if (code === "EADDRNOTAVAIL")
    return new UserError(
      "demo_addresses_missing",
      `This machine does not answer on all of ${addresses[0]} … ${addresses.at(-1)}`,
      {
        hint: "The demo web needs Linux's loopback block 127.0.0.0/8; on macOS add the addresses first: sudo ifconfig lo0 alias 127.0.0.2 (and so on).",
        cause: error,
      },
    );
  return error;
}
