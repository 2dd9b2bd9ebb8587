import fc from "fast-check";
import { expect, test } from "vitest";
import { GatheredBody } from "../src/exchange/gatheredBody.js";

test("a body is its chunks in their order, whatever length was announced", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));
  const announced = fc.oneof(fc.integer({ min: -1, max: 500 }), fc.constantFrom(NaN, Infinity, 1e12));
  fc.assert(
    fc.property(chunks, announced, (all, bytes) => {
      const body = new GatheredBody(bytes);
      for (const chunk of all) body.push(chunk);
      expect(body.whole()).toEqual(Buffer.concat(all));
    }),
  );
});
