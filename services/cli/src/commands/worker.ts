import { Argument, type Command } from "commander";
import { openOrStartProject, type WebOptions } from "../project/openProject.js";
import { onParentGone, onStopSignal } from "../services/onStopSignal.js";
import { startMonitor } from "../services/startMonitor.js";
import { runStage, stages, type StageName } from "../services/runStage.js";
import { addWebOptions, dirOption, wholeNumber } from "./options.js";

interface WorkerOptions extends WebOptions {
  dir: string;
  host: string;
  port: number;
  supervised?: boolean;
}

/** `pairloom worker STAGE`: one service alone, for containers and for `up`. */
export function addWorkerCommand(program: Command): void {
  addWebOptions(
    program
      .command("worker")
      .description("run one service alone (what `up` runs for each, and what a container runs)")
      .addArgument(new Argument("<stage>", "the service").choices([...stages, "monitor"]))
      .addOption(dirOption())
      .option("--host <address>", "monitor: the address to listen on", "127.0.0.1")
      .option("--port <n>", "monitor: the port to listen on", wholeNumber(0), 7117)
      .option("--supervised", "end with the parent process")
      .addHelpText("after", "\nExample:\n  $ pairloom worker fetcher --dir data\n")
      .action(async (stage: StageName | "monitor", options: WorkerOptions) => {
        const log = (line: string) => void process.stdout.write(`${line}\n`);
        // The dashboard is there to say that Redis lost its data; it goes on by itself once the project was mended.
        const project = await openOrStartProject({ ...options, evenForgotten: stage === "monitor" }, log);
        let end: (failure: unknown) => void = () => undefined;
        const ended = new Promise<unknown>((resolve) => (end = resolve));
        onStopSignal(() => end(null));
        if (options.supervised === true) onParentGone(() => end(null));
        const service =
          stage === "monitor"
            ? await startMonitor(project, options)
            : await runStage(project, stage, { log, onFatal: end });
        log("url" in service ? `ready at ${service.url}` : "ready");
        try {
          const failure = await ended;
          if (failure !== null)
            throw failure instanceof Error ? failure : new Error("the service stopped", { cause: failure });
        } finally {
          await ("url" in service ? service.close() : service.stop());
          await project.close();
        }
      }),
  );
}
