import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, type Problem, type Release, type Run, type Status } from "./api.js";
import { Funnel } from "./funnel.js";
import { Queues } from "./queues.js";
import { Releases } from "./releases.js";
import { Runs } from "./runs.js";
import { Seed } from "./seed.js";

function Dashboard() {
  const [status, setStatus] = useState<Status | null>(null);
  const [releases, setReleases] = useState<Release[]>([]);
  const [runs, setRuns] = useState<Run[]>([]);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    const events = new EventSource("/api/events");
    events.addEventListener("status", (event) => {
      setStatus(JSON.parse((event as MessageEvent<string>).data) as Status);
      setProblem(null);
    });
    events.addEventListener("problem", (event) => {
      const { message, hint } = JSON.parse((event as MessageEvent<string>).data) as Problem;
      setProblem([message, hint].filter(Boolean).join(". "));
    });
    events.onerror = () => setProblem("The connection is lost; trying again.");
    const look = async () => {
      try {
        setReleases((await ask<{ releases: Release[] }>("/releases")).releases);
        setRuns((await ask<{ runs: Run[] }>("/runs")).runs);
      } catch (error) {
        setProblem((error as Error).message);
      }
    };
    void look();
    const timer = setInterval(() => void look(), 2000);
    return () => {
      clearInterval(timer);
      events.close();
    };
  }, []);

  return (
    <>
      <header>
        <h1>pairloom</h1>
        <span class="where">{status?.dir}</span>
        <span class="state">
          {problem !== null ? (
            <span class="problem">{problem}</span>
          ) : (
            <>
              <span class={status?.idle === false ? "dot busy" : "dot"} />
              {status === null ? "connecting …" : status.idle ? "the road is empty" : "at work"}
            </>
          )}
        </span>
      </header>
      {status !== null && (
        <main>
          {status.warnings.map((warning) => (
            <p class="wide problem" key={warning}>
              {warning}
            </p>
          ))}
          <Funnel funnel={status.funnel} />
          <Queues queues={status.queues} failedJobs={status.failedJobs} />
          <Seed />
          <Releases releases={releases} />
          <Runs runs={runs} releases={releases} />
        </main>
      )}
    </>
  );
}

render(<Dashboard />, document.getElementById("dashboard")!);
