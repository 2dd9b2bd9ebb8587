import { describe, expect, it } from "vitest";
import { runState, type RunFacts, wishApplies } from "../src/index.js";

const facts = (some: Partial<RunFacts>): RunFacts => ({
  wish: "train",
  queued: null,
  isFinished: false,
  isHeld: false,
  ...some,
});

describe("where a run stands follows from its newest wish, the queue and its folder", () => {
  it.each([
    ["waiting", { queued: "waiting" }],
    ["waiting", { queued: null }], // its launcher was killed before it came to the queue: the trainer puts it there
    ["running", { queued: "active" }],
    ["running", { queued: null, isHeld: true }], // the trainer was killed, its training writes the last checkpoint
    ["failed", { queued: "failed" }],
    ["finished", { isFinished: true }],
    ["running", { queued: "active", isFinished: true }], // the last evaluation
    ["pausing", { wish: "pause", queued: "active" }],
    ["paused", { wish: "pause" }],
    ["paused", { wish: "pause", queued: "waiting" }],
    ["finished", { wish: "pause", isFinished: true }], // it came to its end before it could be paused
    ["cancelling", { wish: "cancel", queued: "active" }],
    ["cancelled", { wish: "cancel" }],
    ["cancelled", { wish: "cancel", queued: "failed" }],
    ["stopped", { wish: null }],
    ["running", { wish: null, isHeld: true }],
    ["finished", { wish: null, isFinished: true }],
  ] as const)("%s: %j", (state, some) => {
    expect(runState(facts(some))).toBe(state);
  });
});

describe("a wish", () => {
  it("changes nothing where it is so already", () => {
    expect(wishApplies("a", "pausing", "pause")).toBe(false);
    expect(wishApplies("a", "running", "train")).toBe(false);
    expect(wishApplies("a", "cancelled", "cancel")).toBe(false);
  });

  it("may take back a pause that is under way, and try a failed run again", () => {
    expect(wishApplies("a", "pausing", "train")).toBe(true);
    expect(wishApplies("a", "failed", "train")).toBe(true);
  });

  it("can't bring back what is finished or cancelled, and says what can be done", () => {
    for (const state of ["finished", "cancelled"] as const)
      for (const wish of ["train", "pause"] as const)
        expect(() => wishApplies("a", state, wish)).toThrow(
          expect.objectContaining({
            code: `run_is_${state}`,
            hint: expect.stringContaining("clone") as string,
          }),
        );
  });
});
