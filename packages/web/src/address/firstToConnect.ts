import type { Socket } from "node:net";
import type { buildConnector } from "undici";

/** How long an address is given to answer before the next one is tried beside it (RFC 8305 §5). */
const attemptDelayMs = 250;

/** A name with a thousand addresses doesn't buy a thousand connections. */
const maxAttempts = 6;

/**
 * Opens addresses of both families by turns, the next one as soon as the one before has failed or has not answered within
 * 250 ms; the first that is ready stays and the others are ended. A TCP connection that stands is given its time for
 * TLS. @throws what the last one failed of
 */
export function firstToConnect(
  allAddresses: readonly string[],
  connect: (address: string, callback: buildConnector.Callback) => Socket,
): Promise<Socket> {
  const addresses = inTurns(allAddresses).slice(0, maxAttempts);
  return new Promise((resolve, reject) => {
    const opening = new Set<Socket>();
    let next = 0;
    let timer: NodeJS.Timeout | undefined;
    let done = false;
    const tryNext = (): void => {
      clearTimeout(timer);
      const address = addresses[next++];
      if (address === undefined || done) return;
      const socket = connect(address, (...[error, ready]) => {
        opening.delete(socket);
        if (error !== null || ready === null) {
          if (next < addresses.length) tryNext();
          else if (opening.size === 0 && !done) reject(error ?? new Error("no socket"));
          return;
        }
        if (done) return void ready.destroy();
        done = true;
        clearTimeout(timer);
        for (const other of opening) other.destroy();
        resolve(ready);
      });
      opening.add(socket);
      socket.once("connect", () => clearTimeout(timer));
      if (next < addresses.length) timer = setTimeout(tryNext, attemptDelayMs);
    };
    tryNext();
  });
}

/** Both families by turns, each in its order: a family without a route costs one attempt (RFC 8305 §4). */
function inTurns(addresses: readonly string[]): string[] {
  const isSix = (address: string): boolean => address.includes(":");
  const first = addresses.filter((address) => isSix(address) === isSix(addresses[0] ?? ""));
  const second = addresses.filter((address) => !first.includes(address));
  return first
    .flatMap((address, i) => [address, ...second.slice(i, i + 1)])
    .concat(second.slice(first.length));
}
