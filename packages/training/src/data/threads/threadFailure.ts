import { UserError } from "@pairloom/config/errors";

/** An error as it travels from thread to thread, where classes are lost. */
export interface ThreadFailure {
  message: string;
  /** Of a UserError; null of any other. */
  code: string | null;
  hint: string | null;
  stack: string | null;
}

export function failureOf(error: unknown): ThreadFailure {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const isUsers = error instanceof UserError;
  return {
    message,
    code: isUsers ? error.code : null,
    hint: isUsers ? error.hint : null,
    stack: stack ?? null,
  };
}

/** The error again: the UserError that it was, or "data_thread_failed". */
export function errorOf({ message, code, hint, stack }: ThreadFailure): UserError {
  if (code !== null) return new UserError(code, message, hint === null ? {} : { hint });
  return new UserError("data_thread_failed", `A thread that makes batches ready failed: ${message}`, {
    hint: "With --data-workers 0 the training's own thread makes them, more slowly.",
    cause: Object.assign(new Error(message), stack === null ? {} : { stack }),
  });
}
