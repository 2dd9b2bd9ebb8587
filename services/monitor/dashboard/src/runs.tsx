import { useEffect, useState } from "preact/hooks";
import { ask, type Checkpoint, type Release, type Run } from "./api.js";
import { ActionForm } from "./actionForm.js";
import { LossChart } from "./lossChart.js";

/** Launches trainings, shows how they run, hands out their checkpoints. */
export function Runs({ runs, releases }: { runs: Run[]; releases: Release[] }) {
  const [chosen, choose] = useState<string | null>(null);
  const shown = chosen ?? runs.at(-1)?.run ?? null;
  const launch = async (fields: Record<string, string>): Promise<string> => {
    const { release, model, steps, batchSize, engine } = fields;
    const { run } = await ask<{ run: string }>("/runs", {
      release,
      model,
      ...(engine === undefined ? {} : { engine }),
      ...(steps === undefined ? {} : { steps: Number(steps) }),
      ...(batchSize === undefined ? {} : { batchSize: Number(batchSize) }),
    });
    choose(run);
    return `${run} is queued.`;
  };
  return (
    <section class="wide">
      <h2>Training</h2>
      <ActionForm label="Launch training" act={launch}>
        <div class="fields">
          <label>
            Release
            <select name="release" required>
              {releases
                .filter(({ ready }) => ready)
                .map(({ name }) => (
                  <option key={name}>{name}</option>
                ))}
            </select>
          </label>
          <label>
            Model
            <input name="model" value="tiny" required />
          </label>
          <label>
            Steps
            <input name="steps" type="number" min="1" placeholder="the recipe's" />
          </label>
          <label>
            Batch size
            <input name="batchSize" type="number" min="2" placeholder="the recipe's" />
          </label>
          <label>
            Engine
            <select name="engine">
              <option>auto</option>
              <option>tensorflow</option>
              <option>wasm</option>
            </select>
          </label>
        </div>
      </ActionForm>
      {runs.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>run</th>
              <th>state</th>
              <th>model</th>
              <th class="number">step</th>
              <th class="number">loss</th>
              <th class="number">checkpoints</th>
            </tr>
          </thead>
          <tbody>
            {runs.map(({ run, state, model, step, steps, loss, checkpoints }) => (
              <tr key={run}>
                <td>
                  <button class="small" aria-pressed={run === shown} onClick={() => choose(run)}>
                    {run}
                  </button>
                </td>
                <td>
                  <span class={state === "running" ? "dot busy" : "dot"} />
                  {state}
                </td>
                <td>{model ?? ""}</td>
                <td class="number">{steps === null ? step : `${step} / ${steps}`}</td>
                <td class="number">{loss === null ? "" : loss.toFixed(3)}</td>
                <td class="number">{checkpoints}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {shown !== null && (
        <>
          <LossChart run={shown} key={shown} />
          <Checkpoints run={shown} count={runs.find(({ run }) => run === shown)?.checkpoints ?? 0} />
        </>
      )}
    </section>
  );
}

/** The checkpoints of a run, to fetch. */
function Checkpoints({ run, count }: { run: string; count: number }) {
  const [checkpoints, setCheckpoints] = useState<Checkpoint[]>([]);
  useEffect(() => {
    void ask<{ checkpoints: Checkpoint[] }>(`/runs/${run}/checkpoints`).then((answer) =>
      setCheckpoints(answer.checkpoints),
    );
  }, [run, count]);
  return (
    <div class="chips">
      {checkpoints.map(({ file, bytes }) => (
        <a class="chip" key={file} href={`/api/runs/${run}/checkpoints/${file}`} download={file}>
          {file} <span class="quiet">{(bytes / 1e6).toFixed(1)} MB</span>
        </a>
      ))}
    </div>
  );
}
