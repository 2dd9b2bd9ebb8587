import { expect, test } from "vitest";
import { DiskFullError, isDiskFull } from "../src/index.js";

const withCode = (code: string) => Object.assign(new Error("write failed"), { code });

test.each([
  ["a write that found no room", withCode("ENOSPC")],
  ["a quota that is used up", withCode("EDQUOT")],
  [
    "either, as the cause of a cause",
    new Error("a", { cause: new Error("b", { cause: withCode("ENOSPC") }) }),
  ],
  ["an error that was named so", new DiskFullError("a file")],
  [
    "a change that Redis refuses since it can't write its file",
    new Error("MISCONF Errors writing to the AOF file: No space left on device"),
  ],
])("a full disk is known by %s", (_, error) => {
  expect(isDiskFull(error)).toBe(true);
});

test.each([
  ["another failure of a write", withCode("EIO")],
  [
    "a Redis that refuses changes for another reason",
    new Error("MISCONF Errors writing to the AOF file: Input/output error"),
  ],
  ["what is no error", "ENOSPC"],
])("no full disk is seen in %s", (_, error) => {
  expect(isDiskFull(error)).toBe(false);
});
