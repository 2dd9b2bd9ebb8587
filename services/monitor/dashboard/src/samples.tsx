import { useEffect, useState } from "preact/hooks";
import { ask, type SampleReport } from "./api.js";

/** Pictures with the captions that the model found for them, at each evaluated step. */
export function Samples({ run, evaluated }: { run: string; evaluated: number }) {
  const [reports, setReports] = useState<SampleReport[]>([]);
  const [chosen, choose] = useState<number | null>(null);
  useEffect(() => {
    void ask<{ samples: SampleReport[] }>(`/runs/${run}/samples`).then(
      ({ samples }) => setReports(samples),
      () => undefined,
    );
  }, [run, evaluated]);
  const report = reports[chosen ?? reports.length - 1] ?? reports.at(-1);
  if (report === undefined) return null;
  return (
    <div class="samples">
      <h4>
        Samples at step{" "}
        <select
          aria-label="Step of the samples"
          value={String(chosen ?? reports.length - 1)}
          onChange={(event) => {
            const at = Number(event.currentTarget.value);
            choose(at === reports.length - 1 ? null : at); // the newest stays the newest
          }}
        >
          {reports.map(({ step }, at) => (
            <option key={step} value={String(at)}>
              {step}
            </option>
          ))}
        </select>{" "}
        <span class="quiet">
          nearest of {report.captions} captions, {report.heldOut ? "held out" : "of the training data"}
        </span>
      </h4>
      <ul class="pictures">
        {report.pictures.map(({ file, key, caption, found }) => (
          <li key={key}>
            <img src={`/api/runs/${run}/samples/${file}`} alt={caption} />
            <ol>
              {found.map((hit) => (
                <li key={hit.caption} class={hit.caption === caption ? "right" : ""}>
                  {hit.caption} <span class="quiet">{hit.score.toFixed(2)}</span>
                </li>
              ))}
            </ol>
            {found.every((hit) => hit.caption !== caption) && <p class="quiet">really: {caption}</p>}
          </li>
        ))}
      </ul>
    </div>
  );
}
