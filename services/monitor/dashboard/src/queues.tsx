import { ask, type Status } from "./api.js";

/** The queues, in the order in which a pair travels. */
export function Queues({ queues, failedJobs }: Pick<Status, "queues" | "failedJobs">) {
  return (
    <section>
      <h2>
        Queues <a href="/queues">every job</a>
      </h2>
      <table>
        <thead>
          <tr>
            <th>stage</th>
            <th class="number">waiting</th>
            <th class="number">active</th>
            <th class="number">delayed</th>
            <th class="number">failed</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {Object.entries(queues).map(([name, counts]) => (
            <tr key={name}>
              <td>
                <span class={counts.active > 0 ? "dot busy" : "dot"} />
                {name}
              </td>
              <td class="number">{counts.waiting.toLocaleString()}</td>
              <td class="number">{counts.active}</td>
              <td class="number">{counts.delayed}</td>
              <td class="number">{counts.failed}</td>
              <td class="number">
                <button
                  class="small"
                  onClick={() => void ask(`/queues/${name}/${counts.paused ? "resume" : "pause"}`, {})}
                >
                  {counts.paused ? "resume" : "pause"}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {failedJobs > 0 && (
        <p class="said bad">
          {failedJobs} jobs failed for good.{" "}
          <button class="small" onClick={() => void ask("/jobs/retry-failed", {})}>
            try again
          </button>
        </p>
      )}
    </section>
  );
}
