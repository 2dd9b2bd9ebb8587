import { expect, test } from "vitest";
import { troubleNotice } from "../src/terminal/troubleNotice.js";

function clockedNotice() {
  const lines: string[] = [];
  let nowMs = 0;
  const tell = troubleNotice(
    (line) => lines.push(line),
    () => nowMs,
  );
  return { lines, tell, wait: (ms: number) => (nowMs += ms) };
}

test("a full disk is told of once a minute, however many processes meet it, with what to do", () => {
  const { lines, tell, wait } = clockedNotice();
  for (const message of ["No space left for a", "No space left for b", "No space left for c"]) {
    tell({ code: "disk_full", message });
    wait(20_000);
  }
  expect(lines).toEqual(["warning: No space left for a. Free some space: the work goes on by itself then."]);
  tell({ code: "disk_full", message: "No space left for d" });
  expect(lines).toHaveLength(2);
});

test("one trouble doesn't silence another", () => {
  const { lines, tell } = clockedNotice();
  tell({ code: "disk_full", message: "No space left" });
  tell({ code: "redis_not_started", message: "redis-server did not start" });
  expect(lines[1]).toBe("warning: redis-server did not start. Mend that: the work goes on by itself then.");
});
