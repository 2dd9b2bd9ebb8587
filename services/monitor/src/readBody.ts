import { UserError } from "@pairloom/config";

/** From here on a body must have come with this many bytes a second on average. */
const patienceMs = 10_000;
const leastBytesPerSecond = 10_000;

/**
 * The body of a request, read no further than `mostBytes` and only as long as it keeps coming.
 * @throws UserError "body_too_large", "body_too_slow", "body_broken_off"
 */
export async function readBody(request: Request, mostBytes: number): Promise<Buffer> {
  checkBodyLength(request, mostBytes);
  const reader = request.body?.getReader();
  if (reader === undefined) return Buffer.alloc(0);
  const began = performance.now();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    // the moment at which what has come so far is too little
    const until = began + Math.max(patienceMs, (1000 * bytes) / leastBytesPerSecond);
    const piece = await before(until, reader.read());
    if (piece.done) return Buffer.concat(pieces);
    const value = piece.value as Uint8Array;
    bytes += value.byteLength;
    if (bytes > mostBytes) throw tooLarge(mostBytes);
    pieces.push(value);
  }
}

/** @throws UserError "body_too_large" where the request's head says so already */
export function checkBodyLength(request: Request, mostBytes: number): void {
  if (Number(request.headers.get("content-length") ?? 0) > mostBytes) throw tooLarge(mostBytes);
}

async function before<T>(until: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new UserError("body_too_slow", "The body comes too slowly, or not at all")),
      Math.max(0, until - performance.now()),
    );
  });
  try {
    return await Promise.race([
      answer.catch((cause: unknown) => {
        throw new UserError("body_broken_off", "The body broke off", { cause });
      }),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(mostBytes: number): UserError {
  return new UserError("body_too_large", `The body is larger than ${mostBytes.toLocaleString("en")} bytes`);
}
