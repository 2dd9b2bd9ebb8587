export { withFolderLock } from "./folderLock.js";
export { HeldLock, LockLostError } from "./heldLock.js";
export { holderName, type LockHolder } from "./lockHolder.js";
export { identify, isAlive, ownIdentity, type ProcessIdentity, processSpace } from "./processIdentity.js";
export {
  defaultLeaseMs,
  type LockOutcome,
  LockWatch,
  type LockWait,
  lookAtLock,
  takeLock,
  type TakeLockOptions,
} from "./takeLock.js";
export { runLockName } from "./runLockName.js";
