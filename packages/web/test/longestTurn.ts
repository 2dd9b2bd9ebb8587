import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";

/** Milliseconds that this thread has been on a processor (proc(5)); null where the system doesn't say. */
function onProcessorMs(): number | null {
  try {
    return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
  } catch {
    return null;
  }
}

/**
 * Watches the event loop; the function returned ends it and tells its longest turn in ms: by the clock and, where the
 * system counts it, by the processor time spent in it, which other processes on the machine don't add to.
 */
export function longestTurn(): () => { byClockMs: number; byProcessorMs: number | null } {
  const resolution = 2;
  const delay = monitorEventLoopDelay({ resolution });
  let last = onProcessorMs();
  let longest = 0;
  const tick = (): void => {
    const now = onProcessorMs();
    if (now !== null && last !== null) longest = Math.max(longest, now - last);
    last = now;
  };
  delay.enable();
  const timer = setInterval(tick, resolution);
  return () => {
    tick();
    clearInterval(timer);
    delay.disable();
    return { byClockMs: delay.max / 1e6 - resolution, byProcessorMs: last === null ? null : longest };
  };
}
