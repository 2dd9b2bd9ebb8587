import type { RunSummary } from "@pairloom/service-monitor";
import { describe, expect, it } from "vitest";
import { metricsLine, runTable, sparkline } from "../src/terminal/runText.js";

const run: RunSummary = {
  run: "run-0001",
  state: "running",
  reason: null,
  model: "tiny",
  device: "cpu",
  priority: "normal",
  clonedFrom: null,
  asked: null,
  step: 20,
  steps: 300,
  loss: 1.23456,
  checkpoints: 2,
  last: null,
  evaluation: null,
};

describe("runs as text", () => {
  it("a step's numbers are worded, and those that nobody knew of are shown by name", () => {
    const line = { step: 3, loss: 1.5, logitScale: 14.286, falseNegatives: 2, note: "text" };
    expect(metricsLine(line)).toBe("step 3  loss 1.5000  temperature 1/14.3  falseNegatives 2");
  });

  it("a table's columns stand under each other", () => {
    const lines = runTable([run, { ...run, run: "a-longer-name", steps: null, loss: null }]).split("\n");
    expect(lines).toEqual([
      "run            state    device  model    step   loss  checkpoints",
      "run-0001       running  cpu     tiny   20/300  1.235            2",
      "a-longer-name  running  cpu     tiny       20                   2",
    ]);
    expect(runTable([])).toContain("jobs launch");
  });

  it("a curve is as wide as it may be, and falls where its numbers do", () => {
    const curve = sparkline(
      Array.from({ length: 1000 }, (_, i) => 1000 - i),
      20,
    );
    expect(curve).toHaveLength(20);
    expect([curve[0], curve[19]]).toEqual(["█", "▁"]);
    expect(sparkline([2, 2])).toHaveLength(2);
    expect(sparkline([])).toBe("");
  });
});
