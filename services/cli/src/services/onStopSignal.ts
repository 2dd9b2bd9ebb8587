/** Calls `stop` at the first SIGTERM or SIGINT; a second SIGINT ends the process at once. */
export function onStopSignal(stop: () => void): void {
  process.once("SIGTERM", stop);
  process.once("SIGINT", () => {
    stop();
    process.once("SIGINT", () => process.exit(130));
  });
}
