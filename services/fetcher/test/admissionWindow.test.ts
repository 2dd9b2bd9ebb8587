import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AdmissionWindow } from "../src/list/admissionWindow.js";

let window: AdmissionWindow;
beforeEach(() => (window = new AdmissionWindow({ least: 4, most: 1000, picturesAtOnce: 2 })));
afterEach(() => window.close());

/** Bodies that decoders are busy with until each is let go. */
function bodies(count: number, bytes: number) {
  const ends: (() => void)[] = [];
  const work = () => new Promise<void>((resolve) => ends.push(resolve));
  const decoded = Array.from({ length: count }, () => window.decode(bytes, work));
  const endOne = async () => {
    ends.shift()?.();
    await sleep(0);
  };
  return { decoded, endOne };
}

/** Whether it has come, in the end. */
function watched(promise: Promise<unknown>) {
  const state = { came: false };
  promise.then(
    () => (state.came = true),
    () => undefined,
  );
  return state;
}

test("requests go at once while decoders have little to do", async () => {
  const { decoded, endOne } = bodies(10, 1000);
  await window.hold();
  while (decoded.length > 0) {
    await endOne();
    await decoded.shift();
  }
});

test.each([
  ["too many", 50, 1000],
  ["too many bytes", 10, 4 << 20],
])(
  "requests are held while %s wait for a decoder, and go one after the other",
  async (_what, count, bytes) => {
    const { decoded, endOne } = bodies(count, bytes);
    const held = Array.from({ length: 6 }, () => watched(window.hold()));
    await sleep(60);
    const went = () => held.filter(({ came }) => came).length;
    expect(went()).toBe(0);
    const counts: number[] = [];
    for (let n = 0; n < count; n++) {
      await endOne();
      counts.push(went());
    }
    await Promise.all(decoded);
    expect(counts[0]).toBe(0);
    expect(counts.at(-1)).toBe(6);
    const steps = counts.map((now, n) => now - (counts[n - 1] ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(2);
  },
);

test("an end lets everybody go", async () => {
  bodies(50, 1000);
  const held = watched(window.hold());
  await sleep(0);
  expect(held.came).toBe(false);
  window.close();
  await sleep(0);
  expect(held.came).toBe(true);
});
