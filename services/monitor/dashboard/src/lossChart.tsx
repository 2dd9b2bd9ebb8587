import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { ask } from "./api.js";

interface Metrics {
  lines: Record<string, unknown>[];
  offset: number;
}

/** The loss of a run over its steps, followed as it grows. */
export function LossChart({ run }: { run: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    // A canvas wants colours as the browser worked them out, not as light-dark() words.
    const colour = (name: string) => {
      element.style.color = `var(${name})`;
      return getComputedStyle(element).color;
    };
    const axis = {
      stroke: colour("--quiet"),
      grid: { stroke: colour("--line") },
    };
    const steps: number[] = [];
    const losses: number[] = [];
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: 220,
        scales: { x: { time: false } },
        axes: [axis, axis],
        series: [{ label: "step" }, { label: "loss", stroke: colour("--blue"), width: 1.5 }],
      },
      [steps, losses],
      element,
    );
    let offset = 0;
    const follow = async () => {
      const more = await ask<Metrics>(`/runs/${run}/metrics?offset=${offset}`).catch(() => null);
      if (more === null || more.lines.length === 0) return;
      offset = more.offset;
      for (const { step, loss } of more.lines)
        if (typeof step === "number" && typeof loss === "number") {
          steps.push(step);
          losses.push(loss);
        }
      chart.setData([steps, losses]);
    };
    const resize = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: 220 }));
    resize.observe(element);
    void follow();
    const timer = setInterval(() => void follow(), 2000);
    return () => {
      clearInterval(timer);
      resize.disconnect();
      chart.destroy();
    };
  }, [run]);
  return <div class="chart" ref={place} />;
}
