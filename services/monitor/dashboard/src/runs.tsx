import { useState } from "preact/hooks";
import { ask, type Release, type Run } from "./api.js";
import { ActionForm } from "./actionForm.js";
import { RunView } from "./runView.js";
import { settingLines } from "./settingLines.js";

/** Launches trainings, lists them, and shows one of them in full. */
export function Runs({ runs, releases }: { runs: Run[]; releases: Release[] }) {
  const [chosen, choose] = useState<string | null>(null);
  const shown = chosen ?? (runs.find(({ state }) => state === "running") ?? runs.at(-1))?.run ?? null;
  const ready = releases.filter((release) => release.ready);
  const launch = async (fields: Record<string, string>): Promise<string> => {
    const { release, model, steps, batchSize, engine, evaluateEvery, evaluateOn, device, more } = fields;
    const { run } = await ask<{ run: string }>("/runs", {
      release,
      model,
      ...(engine === undefined ? {} : { engine }),
      ...(steps === undefined ? {} : { steps: Number(steps) }),
      ...(batchSize === undefined ? {} : { batchSize: Number(batchSize) }),
      ...(device === undefined ? {} : { device }),
      settings: {
        ...(evaluateEvery === undefined ? {} : { evaluateEvery: Number(evaluateEvery) }),
        ...(evaluateOn === undefined ? {} : { evaluateData: `releases/${evaluateOn}` }),
        ...settingLines(more ?? ""),
      },
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
              {ready
                .filter(({ heldOut }) => !heldOut)
                .map(({ name }) => (
                  <option key={name}>{name}</option>
                ))}
            </select>
          </label>
          <label>
            Model
            <input name="model" defaultValue="tiny" required />
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
              <option>webgpu</option>
            </select>
          </label>
          <label>
            Device
            <input name="device" pattern="cpu|gpu:[0-9]+|webgpu:[0-9]+" placeholder="the engine's" />
          </label>
          <label>
            Evaluate on
            <select name="evaluateOn" title="releases that hold-out rules keep out of training">
              <option value="">training pairs</option>
              {ready
                .filter(({ heldOut }) => heldOut)
                .map(({ name }) => (
                  <option key={name}>{name}</option>
                ))}
            </select>
          </label>
          <label>
            Evaluate every
            <input
              name="evaluateEvery"
              type="number"
              min="1"
              defaultValue="100"
              title="steps between evaluations"
            />
          </label>
        </div>
        <details>
          <summary>Other settings</summary>
          <label>
            name=value a line, as `pairloom train --set` takes them
            <textarea name="more" placeholder={"lr=1e-3\nevaluateData=releases/held-out"} />
          </label>
        </details>
      </ActionForm>
      {runs.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>run</th>
              <th>state</th>
              <th>device</th>
              <th>model</th>
              <th class="number">step</th>
              <th class="number">loss</th>
              <th class="number">checkpoints</th>
            </tr>
          </thead>
          <tbody>
            {runs.map(({ run, state, device, model, step, steps, loss, checkpoints }) => (
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
                <td>{device ?? ""}</td>
                <td>{model ?? ""}</td>
                <td class="number">{steps === null ? step : `${step} / ${steps}`}</td>
                <td class="number">{loss === null ? "" : loss.toFixed(3)}</td>
                <td class="number">{checkpoints}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {shown !== null && <RunView run={shown} key={shown} onLaunched={choose} />}
    </section>
  );
}
