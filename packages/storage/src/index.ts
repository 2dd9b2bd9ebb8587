export * from "./store.js";
export * from "./openStore.js";
export { storeBelow } from "./storeBelow.js";
export { LocalStore } from "./localStore.js";
export { syncFolder } from "./syncFolder.js";
export { writeAll } from "./writeAll.js";
export { BlobNameError, checkBlobName } from "./blobName.js";
export * from "./jsonLines.js";
export type { S3Settings } from "./s3/s3Settings.js";
