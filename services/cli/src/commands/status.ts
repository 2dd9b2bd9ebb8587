import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { openProject } from "../project/openProject.js";
import { readStatus } from "../project/status.js";
import { onStopSignal } from "../services/onStopSignal.js";
import { funnelBlock, funnelLine } from "../terminal/funnelText.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import { createSay } from "../terminal/say.js";
import { dirOption, jsonOption } from "./options.js";

/** `pairloom status`: the funnel and the queues, once or live. */
export function addStatusCommand(program: Command): void {
  program
    .command("status")
    .description("the funnel and the queues")
    .addOption(dirOption())
    .option("--watch", "keep showing it until Ctrl-C")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom status --dir data\n  $ pairloom status --dir data --watch\n",
    )
    .action(async (options: { dir: string; watch?: boolean; json?: boolean }) => {
      const say = createSay(options.json ?? false);
      const project = await openProject(options);
      try {
        let stop = options.watch !== true;
        if (!stop) onStopSignal(() => (stop = true));
        const live = new LiveBlock(process.stdout, 5000);
        for (const warning of project.redis.warnings) say.warn(warning);
        for (;;) {
          const status = await readStatus(project);
          if (say.json) say.result(status, "");
          else live.draw(statusText(status), funnelLine(status.funnel));
          if (stop) {
            if (!say.json) live.finish(statusText(status), statusText(status));
            return;
          }
          await sleep(1000);
        }
      } finally {
        await project.close();
      }
    });
}

function statusText({ funnel, queues, idle, failedJobs }: Awaited<ReturnType<typeof readStatus>>): string {
  const lines = Object.entries(queues).map(
    ([name, { waiting, active, delayed, failed }]) =>
      `  ${name.padEnd(11)}${String(waiting).padStart(9)} waiting ${String(active).padStart(5)} active ${String(delayed).padStart(5)} delayed ${String(failed).padStart(5)} failed`,
  );
  const state = idle ? "The road is empty." : "At work.";
  const failedLine =
    failedJobs > 0 ? `\n${failedJobs} jobs failed for good; \`pairloom up\` tries them again.` : "";
  return `${funnelBlock(funnel)}\n\n${lines.join("\n")}\n\n${state}${failedLine}`;
}
