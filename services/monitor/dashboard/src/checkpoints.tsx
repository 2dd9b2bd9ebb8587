import { useEffect, useState } from "preact/hooks";
import { ask, type Checkpoint } from "./api.js";

/** The checkpoints of a run, to fetch. `count` and `step` say when to look again. */
export function Checkpoints({ run, count, step }: { run: string; count: number; step: number }) {
  const [checkpoints, setCheckpoints] = useState<Checkpoint[]>([]);
  useEffect(() => {
    void ask<{ checkpoints: Checkpoint[] }>(`/runs/${run}/checkpoints`).then(
      (answer) => setCheckpoints(answer.checkpoints),
      () => undefined,
    );
  }, [run, count, Math.floor(step / 50)]);
  if (checkpoints.length === 0) return null;
  return (
    <div>
      <h4>Checkpoints</h4>
      <div class="chips">
        {checkpoints.map(({ file, bytes }) => (
          <a class="chip" key={file} href={`/api/runs/${run}/checkpoints/${file}`} download={file}>
            {file} <span class="quiet">{(bytes / 1e6).toFixed(1)} MB</span>
          </a>
        ))}
      </div>
    </div>
  );
}
