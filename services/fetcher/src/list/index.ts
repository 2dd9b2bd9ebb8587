export { fetchList, type ListContext } from "./fetchList.js";
export { retryFailed } from "./retryFailed.js";
export { ListTally } from "./listTally.js";
export * from "./listSettings.js";
