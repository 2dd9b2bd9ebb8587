import type { Store } from "@pairloom/storage";
import type { ProblemList } from "../verify/problem.js";
import type { Identity } from "./identity.js";
import type { Sidecars } from "../verify/sidecars.js";

/** What the parts of a repair share. */
export interface RepairContext {
  store: Store;
  files: ReadonlyMap<string, number>;
  sidecars: Sidecars;
  identity: Identity;
  trustTars: boolean;
  list: ProblemList;
  /** Puts a sidecar in its place, unless it is there as it should be. */
  put: (file: string, bytes: Uint8Array) => Promise<void>;
}
