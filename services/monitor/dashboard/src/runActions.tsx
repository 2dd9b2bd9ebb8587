import { useState } from "preact/hooks";
import { ActionForm } from "./actionForm.js";
import { ask, type Run } from "./api.js";
import { settingLines } from "./settingLines.js";

const possible: Readonly<Record<string, readonly string[]>> = {
  waiting: ["pause", "cancel"],
  running: ["pause", "cancel"],
  pausing: ["resume", "cancel"],
  paused: ["resume", "cancel"],
  failed: ["resume", "cancel"],
  stopped: ["resume"],
};

/** Pause, resume, cancel and clone, as far as the run's state allows. */
export function RunActions(props: { run: Run; onChanged: () => void; onLaunched: (run: string) => void }) {
  const { run, state } = props.run;
  const [problem, setProblem] = useState<string | null>(null);
  const [cloning, setCloning] = useState(false);
  const wish = async (name: string) => {
    try {
      await ask(`/runs/${run}/${name}`, {});
      setProblem(null);
    } catch (error) {
      setProblem((error as Error).message);
    }
    props.onChanged();
  };
  const clone = async ({ changes = "", name }: Record<string, string>): Promise<string> => {
    const settings = settingLines(changes);
    const body = { settings, ...(name === undefined ? {} : { run: name }) };
    const cloned = await ask<{ run: string }>(`/runs/${run}/clone`, body);
    setCloning(false);
    props.onLaunched(cloned.run);
    return `${cloned.run} is queued.`;
  };
  return (
    <>
      <span class="actions">
        {(possible[state] ?? []).map((name) => (
          <button key={name} class={`small ${name}`} onClick={() => void wish(name)}>
            {name}
          </button>
        ))}
        <button class="small" aria-expanded={cloning} onClick={() => setCloning(!cloning)}>
          clone
        </button>
      </span>
      {problem !== null && <p class="said bad whole">{problem}</p>}
      {cloning && (
        <div class="whole card">
          <ActionForm label="Launch the clone" act={clone}>
            <div class="fields">
              <label>
                Changes, name=value a line
                <textarea name="changes" placeholder={"lr=1e-3\nbatchSize=32"} />
              </label>
              <label>
                Name (or the next number)
                <input name="name" pattern="[A-Za-z0-9][A-Za-z0-9._\-]*" />
                <span class="quiet">
                  It was launched with{" "}
                  {Object.entries(props.run.given ?? {})
                    .map(([name, value]) => `${name}=${String(value)}`)
                    .join("  ")}
                </span>
              </label>
            </div>
          </ActionForm>
        </div>
      )}
    </>
  );
}
