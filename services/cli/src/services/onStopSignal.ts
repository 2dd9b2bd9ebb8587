/** Calls `stop` at the first SIGTERM or SIGINT; a second SIGINT ends the process at once. */
export function onStopSignal(stop: () => void): void {
  process.once("SIGTERM", stop);
  process.once("SIGINT", () => {
    stop();
    process.once("SIGINT", () => process.exit(130));
  });
}

/** Calls `stop` when the process that started this one over an IPC channel is gone. The channel keeps nobody alive. */
export function onParentGone(stop: () => void): void {
  process.once("disconnect", stop);
  process.channel?.unref();
}
