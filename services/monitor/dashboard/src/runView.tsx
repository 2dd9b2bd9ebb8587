import { useEffect, useRef, useState } from "preact/hooks";
import { ask, type Run } from "./api.js";
import { Chart, shortNumber } from "./chart.js";
import { Checkpoints } from "./checkpoints.js";
import { evaluationGroups, evaluationLabel, fieldTitles, orderedFields } from "./fieldNames.js";
import { addLines, emptyCurves } from "./runCurves.js";
import { RunActions } from "./runActions.js";
import { RunLog } from "./runLog.js";
import { Samples } from "./samples.js";

/** One run, live: where it stands, what can be done with it, its curves, samples, checkpoints and log. */
export function RunView({ run, onLaunched }: { run: string; onLaunched: (run: string) => void }) {
  const [shown, setShown] = useState<Run | null>(null);
  const [version, setVersion] = useState(0);
  const curves = useRef(emptyCurves());
  useEffect(() => {
    curves.current = emptyCurves();
    const events = new EventSource(`/api/runs/${run}/events?most=1000`);
    events.addEventListener("metrics", (event) => {
      const { lines } = JSON.parse((event as MessageEvent<string>).data) as {
        lines: Record<string, unknown>[];
      };
      addLines(curves.current, lines);
      setVersion((before) => before + 1);
    });
    events.addEventListener("state", (event) =>
      setShown(JSON.parse((event as MessageEvent<string>).data) as Run),
    );
    return () => events.close();
  }, [run]);
  if (shown === null) return <p class="quiet">Looking at {run} …</p>;
  const { steps, evaluations } = curves.current;
  const share = shown.steps === null ? 0 : Math.min(1, shown.step / shown.steps);
  const refresh = () => void ask<Run>(`/runs/${run}`).then(setShown);
  return (
    <article class="run" aria-label={`Run ${run}`}>
      <div class="run-head">
        <h3>{run}</h3>
        <span class={`state ${shown.state}`} data-state={shown.state}>
          {shown.state}
        </span>
        <span class="quiet">
          {[shown.model, shown.device, shown.clonedFrom === null ? null : `cloned from ${shown.clonedFrom}`]
            .filter(Boolean)
            .join(" · ")}
        </span>
        <RunActions run={shown} onChanged={refresh} onLaunched={onLaunched} />
      </div>
      {shown.reason !== null && <p class={shown.state === "failed" ? "said bad" : "said"}>{shown.reason}</p>}
      <div class="progress" role="progressbar" aria-valuenow={shown.step} aria-valuemax={shown.steps ?? 0}>
        <span style={{ width: `${100 * share}%` }} />
      </div>
      <Numbers run={shown} />
      <div class="charts">
        {orderedFields(steps.keys()).map(([field, title]) => (
          <Chart key={field} title={title} curves={[[title, steps.get(field)!]]} version={version} />
        ))}
        {evaluationGroups(evaluations.keys()).map(([title, fields]) => (
          <Chart
            key={title}
            title={title}
            curves={fields.map((field) => [evaluationLabel(field), evaluations.get(field)!])}
            version={version}
          />
        ))}
      </div>
      <Samples run={run} evaluated={shown.evaluation?.step ?? 0} />
      <Checkpoints run={run} count={shown.checkpoints} step={shown.step} />
      <RunLog run={run} isLive={shown.state !== "finished" && shown.state !== "cancelled"} />
    </article>
  );
}

/** The newest numbers, large. */
function Numbers({ run: { step, steps, last } }: { run: Run }) {
  const fields = Object.entries(fieldTitles).flatMap(([field, title]) => {
    const value = last?.[field];
    return typeof value === "number" ? [[title, shortNumber(value)] as const] : [];
  });
  const all = [["step", steps === null ? String(step) : `${step} / ${steps}`] as const, ...fields];
  return (
    <dl class="numbers">
      {all.map(([title, value]) => (
        <div key={title}>
          <dt>{title}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
