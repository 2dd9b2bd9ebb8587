export * from "./balanceByQuery.js";
