import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import type { HostClock, SlotRequest } from "../src/clock/hostClock.js";
import { HostGate, type Leave } from "../src/clock/hostGate.js";
import { memoryHostClock } from "../src/clock/memoryHostClock.js";

it("without gaps no clock is asked", async () => {
  const never: HostClock = {
    reserve: () => Promise.reject(new Error("asked")),
    confirm: () => Promise.reject(new Error("asked")),
    sent: () => Promise.reject(new Error("asked")),
    pause: () => Promise.resolve(),
  };
  const gate = new HostGate(never, { hostConnections: 2, connections: 2 });
  const request = { host: "a", hostGapMs: 0, address: "a", addressGapMs: 0 };
  expect(await gate.pass(request, null, async () => "done")).toBe("done");
});

it("a gate lets so many through at once, to a host and in all", async () => {
  const gate = new HostGate(memoryHostClock(), { hostConnections: 2, connections: 3 });
  let now = 0;
  let most = 0;
  const mostOf: Record<string, number> = {};
  const nowOf: Record<string, number> = {};
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => {
      const host = `h${i % 10 < 5 ? 0 : i % 5}`;
      return gate.pass({ host, hostGapMs: 0, address: host, addressGapMs: 0 }, null, async () => {
        most = Math.max(most, ++now);
        nowOf[host] = (nowOf[host] ?? 0) + 1;
        mostOf[host] = Math.max(mostOf[host] ?? 0, nowOf[host]);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        nowOf[host]--;
      });
    }),
  );
  expect([most, Math.max(...Object.values(mostOf))]).toEqual([3, 2]);
});

/** A gate whose time is ours, over a clock that gives leave whenever it is asked and writes down what for. */
function watchedGate(onAnswer: () => void = () => undefined): {
  gate: HostGate;
  asked: string[];
  pass: (ms: number) => void;
} {
  const asked: string[] = [];
  let now = 0;
  const write = (name: string, { host, address }: SlotRequest): Promise<number> => {
    asked.push(`${name} ${host} ${address}`.trim());
    onAnswer();
    return Promise.resolve(0);
  };
  const clock: HostClock = {
    reserve: (request) => write("reserve", request),
    confirm: (request) => write("confirm", request),
    sent: (request) => write("sent", request).then(() => undefined),
    pause: () => Promise.resolve(),
  };
  const gate = new HostGate(clock, { hostConnections: 1, connections: 1, nowMs: () => now });
  return { gate, asked, pass: (ms) => (now += ms) };
}
const request = { host: "h", hostGapMs: 1000, address: "a", addressGapMs: 100 };

it.each([
  [20, [true], ["reserve h a", "sent h a"]],
  [300, [false, true], ["reserve h a", "confirm  a", "sent h a"]],
  [1500, [false, true], ["reserve h a", "confirm h a", "sent h a"]],
])(
  "a connection of %d ms: what may have been asked meanwhile is asked about again",
  async (ms, went, says) => {
    const { gate, asked, pass } = watchedGate();
    const said = await gate.pass(request, null, async (leave) => {
      pass(ms);
      const attempts = [leave.sent()];
      if (attempts[0] !== true) {
        await leave.renew();
        attempts.push(leave.sent());
      }
      return attempts;
    });
    expect(said).toEqual(went);
    expect(asked).toEqual(says);
  },
);

it("a request that was written is written again in a slot of its own", async () => {
  const { gate, asked } = watchedGate();
  await gate.pass(request, null, async (leave: Leave) => {
    leave.sent();
    await nextTurn();
    await leave.renew();
    leave.sent();
    await nextTurn();
  });
  expect(asked).toEqual(["reserve h a", "sent h a", "confirm h a", "sent h a"]);
});

it("a leave that grows old again in our own hands is asked for as often as it takes", async () => {
  const { gate, pass } = watchedGate();
  let attempts = 0;
  await gate.pass(request, null, async (leave) => {
    for (pass(5000); !leave.sent(); await leave.renew(), pass(attempts < 20 ? 5000 : 0)) attempts++;
  });
  expect(attempts).toBe(20);
});

it("leave of a clock that is farther away than the gap is taken as it is in the end", async () => {
  const { gate, pass } = watchedGate(() => pass(5000));
  let attempts = 0;
  await gate.pass(request, null, async (leave) => {
    while (!leave.sent()) {
      attempts++;
      await leave.renew();
    }
  });
  expect(attempts).toBe(4);
});

it("a request that is held asks no clock and takes no connection; those behind it wait", async () => {
  const { gate, asked } = watchedGate();
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const order: string[] = [];
  const pass = (name: string, hostGapMs: number, hold: Promise<void> | null) =>
    gate.pass(
      { host: "a", hostGapMs, address: "a", addressGapMs: hostGapMs },
      null,
      async () => void order.push(name),
      () => false,
      () => hold ?? Promise.resolve(),
    );
  const all = [pass("first", 1000, held), pass("second", 1000, null), pass("without gaps", 0, held)];
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  expect([asked, order]).toEqual([[], []]);
  letGo();
  await Promise.all(all);
  expect(order.toSorted()).toEqual(["first", "second", "without gaps"]);
  expect(order.indexOf("first")).toBeLessThan(order.indexOf("second"));
  expect(asked.length).toBeGreaterThanOrEqual(2);
});
