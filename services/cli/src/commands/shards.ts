import type { Command } from "commander";
import { addInspect } from "./shards/inspect.js";
import { addRepair } from "./shards/repair.js";
import { addVerify } from "./shards/verify.js";

/** `pairloom shards`: tools for finished shards, ours or another program's. */
export function addShardsCommand(program: Command): void {
  const shards = program.command("shards").description("tools for finished shards: verify, repair, inspect");
  for (const add of [addVerify, addRepair, addInspect]) add(shards);
}
