import fc from "fast-check";
import { expect, test } from "vitest";
import { type Frame, framePieces, FrameReader } from "../../src/decoders/frame.js";

/** A body in pieces. */
const cut = (body: Buffer): Buffer[] =>
  [body.subarray(0, 70), body.subarray(70, 90), body.subarray(90)].filter(({ length }) => length > 0);

test("frames come out as they went in, however the stream is cut", () => {
  const frame = fc.record({
    id: fc.integer({ min: 0, max: 0xffffffff }),
    text: fc.string({ unit: "grapheme" }),
    body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(
      fc.array(frame),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (frames, cuts) => {
        const stream = Buffer.concat(frames.flatMap((one) => framePieces({ ...one, body: cut(one.body) })));
        const read: Frame[] = [];
        const reader = new FrameReader((one) => read.push(one), 10_000);
        for (let at = 0, n = 0; at < stream.length; at += cuts[n++ % cuts.length]!) {
          // The chunk's memory is used again, as a socket's is.
          const chunk = Buffer.from(stream.subarray(at, at + cuts[n % cuts.length]!));
          reader.push(chunk);
          chunk.fill(0);
        }
        expect(read).toEqual(frames);
      },
    ),
  );
});

test("a frame that says it is longer than allowed is refused before its memory is taken", () => {
  const reader = new FrameReader(() => undefined, 1000);
  const [head] = framePieces({ id: 1, text: "", body: [Buffer.alloc(1001)] });
  expect(() => reader.push(head!)).toThrow(RangeError);
});
