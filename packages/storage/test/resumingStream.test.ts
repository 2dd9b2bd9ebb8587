import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ResumingStream } from "../src/s3/resumingStream.js";
import { crc32Text, wholeChecksum } from "../src/s3/wholeChecksum.js";

const whole = randomBytes(5000);

/** How a connection ends, after some bytes. */
interface End {
  bytes: number;
  how: "error" | "end" | "stall";
}

function body(from: number, { bytes, how }: End): Readable {
  const end = Math.min(whole.length, from + bytes);
  let at = from;
  return new Readable({
    read() {
      if (at < end) this.push(whole.subarray(at, (at = Math.min(end, at + 700))));
      else if (how === "error") this.destroy(new Error("cut"));
      else if (how === "end" || at === whole.length) this.push(null);
    },
  });
}

function streamOver(ends: End[], more: { attempts?: number; checksum?: string } = {}): ResumingStream {
  const left = [...ends];
  const next = (at: number) => body(at, left.shift() ?? { bytes: Infinity, how: "end" });
  return new ResumingStream(next(0), {
    start: 0,
    end: whole.length,
    reopen: (at) => Promise.resolve(next(at)),
    backoff: () => 0,
    attempts: more.attempts ?? 100,
    stallMs: 20,
    checksum: wholeChecksum({ ChecksumCRC32: more.checksum ?? crc32Text(crc32(whole)) }),
    where: "it",
  });
}

const bytesOf = async (stream: Readable) => Buffer.concat((await stream.toArray()) as Buffer[]);

it("gives the same bytes wherever and however connections end", async () => {
  const end = fc.record({
    bytes: fc.nat({ max: 3000 }),
    how: fc.constantFrom("error" as const, "end" as const, "stall" as const),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(end, { maxLength: 6 }), async (ends) => {
      expect((await bytesOf(streamOver(ends))).equals(whole)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

it("leaves a connection on which nothing comes", async () => {
  expect((await bytesOf(streamOver([{ bytes: 1400, how: "stall" }]))).equals(whole)).toBe(true);
});

it("gives up after so many connections without a byte, and counts anew after each byte", async () => {
  const nothing: End = { bytes: 0, how: "error" };
  const some: End = { bytes: 10, how: "error" };
  await expect(bytesOf(streamOver([nothing, nothing, nothing], { attempts: 3 }))).rejects.toThrow(
    "it broke off at byte 0, 3 times: cut",
  );
  const often = [nothing, nothing, some, nothing, some, nothing, some];
  expect((await bytesOf(streamOver(often, { attempts: 3 }))).equals(whole)).toBe(true);
});

it("ends with an error where the whole has another checksum, also over several connections", async () => {
  for (const ends of [[], [{ bytes: 99, how: "error" as const }]])
    await expect(bytesOf(streamOver(ends, { checksum: "AAAAAA==" }))).rejects.toThrow("it is damaged");
});

it("lets go of its connection when nobody reads on", async () => {
  const first = body(0, { bytes: 2000, how: "stall" });
  const stream = new ResumingStream(first, {
    start: 0,
    end: whole.length,
    reopen: () => Promise.reject(new Error("asked again")),
    backoff: () => 0,
    attempts: 3,
    stallMs: 10_000,
    checksum: null,
    where: "it",
  });
  for await (const chunk of stream) {
    expect((chunk as Buffer).length).toBeGreaterThan(0);
    break;
  }
  expect(first.destroyed).toBe(true);
});
