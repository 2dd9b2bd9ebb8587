import { beforeAll, describe, expect, it } from "vitest";
import { tensorflowReason } from "./installation.js";
import { isLong } from "../faults/killCount.js";
import { apart, knownSteps, traceSteps, type StepTrace, type StepWish } from "./stepTrace.js";

let reason: string | null = null;
beforeAll(async () => {
  reason = await tensorflowReason();
  if (reason !== null) console.warn(`skipped: the tensorflow engine: ${reason}`);
}, 900_000);

const steps = 50;
const worst = (values: readonly number[]) => Math.max(...values);
const claim = (name: string, work: () => Promise<void>) =>
  it(name, async (context) => {
    if (reason !== null) return context.skip(reason);
    await work();
  });

describe.each<[string, StepWish["settings"]]>([
  ["in one program", {}],
  ["with a moving average", { emaDecay: 0.9 }],
  ["part by part", { accumulate: 4 }],
  [
    "with layer rates, patch dropout and recomputed blocks",
    { layerDecay: 0.7, patchDropout: 0.5, recompute: true },
  ],
  ["with the image tower locked", { lock: "image" }],
])("the compiled step of a small vision transformer, %s", (_, settings) => {
  claim(
    `has the loss curve of the same operations one by one, to 1e-5 over ${steps} steps, and leaks no tensor`,
    async () => {
      const wish: StepWish = { model: "vit", steps, settings: settings ?? {} };
      const [compiled, eager] = await Promise.all([
        knownSteps(wish),
        traceSteps({ ...wish, compiled: false }),
      ]);
      expect(worst(apart(compiled.losses, eager.losses))).toBeLessThan(1e-5);
      expect(compiled.losses.at(-1)).toBeLessThan(0.8 * compiled.losses[0]!);
      for (const { tensors } of [compiled, eager]) expect(new Set(tensors).size).toBe(1);
    },
  );
});

describe("the compiled step of a small ResNet", () => {
  claim(
    "has the op-by-op loss curve to 1e-5 at first, then parts from it as rounding alone does",
    async () => {
      // A last digit puts a number on the other side of a ReLU's kink, and each step makes more of it. So the measure is
      // what one last digit of one picture does to the op-by-op curve.
      const wish: StepWish = { model: "resnet", steps, settings: {} };
      const [compiled, eager, nudged] = await Promise.all([
        knownSteps(wish),
        traceSteps({ ...wish, compiled: false }),
        traceSteps({ ...wish, compiled: false, nudge: true }),
      ]);
      const gaps = apart(compiled.losses, eager.losses);
      const byRounding = apart(nudged.losses, eager.losses);
      console.log(
        `resnet: compiled ${worst(gaps).toExponential(1)}, one last digit ${worst(byRounding).toExponential(1)}`,
      );
      expect(worst(gaps.slice(0, 2))).toBeLessThan(1e-5);
      expect(worst(gaps)).toBeLessThan(10 * worst(byRounding));
      expect(compiled.losses.at(-1)).toBeLessThan(0.8 * compiled.losses[0]!);
    },
  );
});

describe.each<[string, StepWish]>([
  ["float32", { model: "vit", steps, settings: { emaDecay: 0.9 } }],
  ["bf16", { model: "vit", steps, settings: { precision: "bf16" } }],
  ["float32, part by part", { model: "vit", steps, settings: { accumulate: 4 } }],
  ["bf16, a ResNet", { model: "resnet", steps: 20, settings: { precision: "bf16" } }],
  ["float32, a ResNet", { model: "resnet", steps: 20 }],
])("in %s", (_, wish) => {
  claim("two runs give the same bits: every loss, and every variable at the end", async () => {
    const [first, again] = await Promise.all([knownSteps(wish), traceSteps(wish)]);
    expect(again.losses).toEqual(first.losses);
    expect(again.norms).toEqual(first.norms);
    expect(again.variables).toBe(first.variables);
  });
});

describe("bf16", () => {
  claim("keeps the loss within 1 % of float32's over 500 steps (means of 20 steps)", async () => {
    const wish: StepWish = { model: "vit", steps: 500, lr: 3e-4 };
    const [float32, bf16] = await Promise.all(
      (["float32", "bf16"] as const).map(async (precision) =>
        means(await traceSteps({ ...wish, settings: { precision } })),
      ),
    );
    const gaps = apart(bf16!, float32!);
    console.log(
      `bf16: apart by at most ${(100 * worst(gaps)).toFixed(2)} %, ${float32![0]} → ${float32!.at(-1)}`,
    );
    expect(worst(gaps)).toBeLessThan(0.01);
    expect(float32!.at(-1)).toBeLessThan(0.6 * float32![0]!);
  });
});

describe("XLA", () => {
  // most of a run is its compilation; with the long counts each is done again
  describe.each<[string, StepWish, number, { again: boolean }]>([
    [
      "a vision transformer with a moving average",
      { model: "vit", steps: 20, settings: { emaDecay: 0.9 } },
      1e-4,
      { again: true },
    ],
    [
      "a vision transformer part by part",
      { model: "vit", steps: 20, settings: { accumulate: 4 } },
      1e-4,
      { again: isLong },
    ],
    // as above: a ResNet's curve parts by rounding
    ["a ResNet", { model: "resnet", steps: 5, settings: {} }, 1e-4, { again: true }],
    [
      "a vision transformer in bf16",
      { model: "vit", steps: 20, settings: { precision: "bf16" } },
      1e-2,
      { again: isLong },
    ],
  ])("of %s", (_, wish, tolerance, { again }) => {
    claim(`keeps the loss to ${tolerance}${again ? ", and the same bits in two runs" : ""}`, async () => {
      const plain = await knownSteps({ ...wish, steps });
      const runs = await Promise.all(
        Array.from({ length: again ? 2 : 1 }, () => traceSteps({ ...wish, xla: true })),
      );
      for (const xla of runs) {
        expect(xla.losses).toHaveLength(wish.steps);
        expect(worst(apart(xla.losses, plain.losses))).toBeLessThan(tolerance);
        expect(xla.variables).toBe(runs[0]!.variables);
        // it did something: its first step compiles
        expect(xla.milliseconds[0]).toBeGreaterThan(2 * plain.milliseconds[0]!);
      }
    });
  });
});

/** Means of 20 steps each. */
function means({ losses }: StepTrace): number[] {
  return Array.from({ length: losses.length / 20 }, (_, i) => {
    return losses.slice(20 * i, 20 * (i + 1)).reduce((sum, loss) => sum + loss, 0) / 20;
  });
}
