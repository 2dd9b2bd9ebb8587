/** The parts of the API's answers that the dashboard shows. */
export interface Status {
  dir: string;
  idle: boolean;
  failedJobs: number;
  warnings: string[];
  queues: Record<
    string,
    { waiting: number; active: number; delayed: number; failed: number; paused: boolean }
  >;
  funnel: {
    queries: number;
    pages: { found: number; read: number };
    seen: number;
    fetched: number;
    kept: number;
    bytes: number;
    refused: Record<string, number>;
    duplicates: Record<string, number>;
  };
}

/** Why there is no status: an event of its own. */
export interface Problem {
  code: string;
  message: string;
  hint: string | null;
}

export interface Release {
  name: string;
  ready: boolean;
  /** Kept for evaluations. */
  heldOut: boolean;
  /** Where one stands that is not ready. */
  standing: string | null;
  kept: number | null;
  shards: number | null;
}

export interface Run {
  run: string;
  state: string;
  reason: string | null;
  device: string | null;
  clonedFrom: string | null;
  model: string | null;
  step: number;
  steps: number | null;
  loss: number | null;
  checkpoints: number;
  last: Record<string, unknown> | null;
  evaluation: { step: number; evaluation: Record<string, number> } | null;
  given?: Record<string, unknown>;
}

export interface SampleReport {
  step: number;
  heldOut: boolean;
  captions: number;
  pictures: { file: string; key: string; caption: string; found: { caption: string; score: number }[] }[];
}

export interface Checkpoint {
  file: string;
  step: number;
  bytes: number;
}

/** GET, or POST where a body is given. @throws Error with the API's own message and hint */
export async function ask<T>(path: string, body?: unknown): Promise<T> {
  const request: RequestInit =
    body === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`/api${path}`, request);
  if (answer.status === 401) location.reload(); // the session is gone: the page of the server asks for the token
  const value = (await answer.json()) as T & { error?: { message: string; hint?: string | null } };
  if (!answer.ok) throw new Error([value.error?.message, value.error?.hint].filter(Boolean).join(" — "));
  return value;
}
