// Adds up vitest's JSON reports in a folder; fails where a test did, or where none ran.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const total = { passed: 0, failed: 0, skipped: 0 };
const failed = [];
for (const file of readdirSync(folder).filter((name) => name.endsWith(".json"))) {
  const report = JSON.parse(readFileSync(join(folder, file), "utf8"));
  total.passed += report.numPassedTests ?? 0;
  total.failed += report.numFailedTests ?? 0;
  total.skipped += (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0);
  if (report.testResults === undefined && report.numFailedTests > 0) failed.push(file);
  for (const { name, status, assertionResults = [] } of report.testResults ?? []) {
    // A file that breaks before its first test counts too.
    if (status === "failed" && assertionResults.length === 0) {
      total.failed++;
      failed.push(name);
    }
    for (const test of assertionResults)
      if (test.status === "failed")
        failed.push(`${name}: ${test.fullName}\n${(test.failureMessages[0] ?? "").slice(0, 1000)}`);
  }
}
for (const one of failed) console.log(`FAILED ${one}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
