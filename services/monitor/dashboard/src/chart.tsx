import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Curve } from "./runCurves.js";

const height = 150;
/** Fewer points than these are drawn as points as well. */
const sparse = 30;
const colours = ["--blue", "--amber", "--green", "--red", "--violet", "--quiet"];

/** Named curves over the steps in one chart. Pointing at one shows the values there, in all charts of the page at once. */
export function Chart(props: { title: string; curves: [name: string, curve: Curve][]; version: number }) {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const names = props.curves.map(([name]) => name).join();
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    // A canvas wants colours as the browser worked them out, not as light-dark() words.
    const probe = element.appendChild(document.createElement("span"));
    const colour = (name: string) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    };
    const axis = {
      stroke: colour("--quiet"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { stroke: colour("--line"), width: 1 },
      font: "11px system-ui, sans-serif",
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height,
        cursor: { sync: { key: "steps" }, points: { size: 6 } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, size: 24 },
          { ...axis, size: 52, values: (_, marks) => marks.map(shortNumber) },
        ],
        series: [
          { label: "step" },
          ...props.curves.map(([name], at) => ({
            label: name,
            stroke: colour(colours[at % colours.length]!),
            width: 1.5,
            spanGaps: true,
            points: { show: (plot: uPlot) => plot.data[0].length < sparse, size: 5 },
            value: (_: uPlot, value: number | null) => (value === null ? "–" : shortNumber(value)),
          })),
        ],
      },
      dataOf(props.curves),
      element,
    );
    probe.remove();
    chart.current = plot;
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [names]);
  useEffect(() => chart.current?.setData(dataOf(props.curves)), [props.version]);
  return (
    <figure class="chart" aria-label={props.title}>
      <figcaption>{props.title}</figcaption>
      <div ref={place} />
    </figure>
  );
}

/** Curves may hold other steps: the chart's are those of any. */
function dataOf(curves: readonly [string, Curve][]): uPlot.AlignedData {
  const [, first] = curves[0]!;
  if (curves.every(([, { steps }]) => steps.length === first.steps.length))
    return [first.steps, ...curves.map(([, { values }]) => values)];
  return uPlot.join(curves.map(([, { steps, values }]): uPlot.AlignedData => [steps, values]));
}

export function shortNumber(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(1).replace("e+", "e");
  return size >= 1000 ? value.toLocaleString() : String(+value.toPrecision(3));
}
