import fc from "fast-check";
import { expect, test } from "vitest";
import { Body } from "../src/exchange/body.js";

/** Chunks as sockets give them: many small ones, some large ones. */
const chunk = fc
  .tuple(fc.oneof(fc.nat(40), fc.nat(3000), fc.nat(70_000)), fc.nat(255))
  .map(([bytes, value]) => Buffer.alloc(bytes, value));
const announced = fc.oneof(fc.integer({ min: -1, max: 500_000 }), fc.constantFrom(NaN, Infinity, 1e12));

test("a body is its chunks in their order, whatever length was announced", () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 40 }), announced, (chunks, bytes) => {
      const body = new Body(bytes);
      for (const one of chunks) body.push(one);
      const whole = Buffer.concat(chunks);
      expect(body.length).toBe(whole.length);
      expect(body.whole().equals(whole)).toBe(true);
      expect(Buffer.concat(body.pieces).equals(whole)).toBe(true);
    }),
  );
});

test("a body that drips in byte by byte lies in few pieces, in no more memory than it needs", () => {
  const held = (body: Body) => body.pieces.reduce((sum, piece) => sum + piece.buffer.byteLength, 0);
  const [known, unknown] = [new Body(100_000), new Body()];
  for (let at = 0; at < 100_000; at++)
    for (const body of [known, unknown]) body.push(Buffer.from([at & 255]));
  expect([known.pieces.length, held(known)]).toEqual([7, 100_000]);
  expect([unknown.pieces.length, held(unknown)]).toEqual([7, 114_688]);
});

test("large chunks are not copied", () => {
  const chunks = [Buffer.alloc(20_000, 1), Buffer.alloc(65_536, 2)];
  const { pieces } = Body.of(...chunks);
  expect(pieces.map(({ buffer }) => buffer)).toEqual(chunks.map(({ buffer }) => buffer));
});

test("a body of one piece is that piece, one of none is empty", () => {
  const chunk = Buffer.alloc(20_000, 1);
  expect(Body.of(chunk).whole()).toBe(chunk);
  expect(new Body().whole().length).toBe(0);
});
