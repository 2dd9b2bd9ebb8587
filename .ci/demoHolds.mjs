// Reads the object that `pairloom demo --json` ends with. Fails where the road broke or the model did not
// learn what it must; says, without failing, where the machine was slow.
import { readFileSync } from "node:fs";

const report = JSON.parse(readFileSync(0, "utf8"));
const total = Object.values(report.seconds).reduce((sum, seconds) => sum + seconds, 0);
const limitSeconds = report.engine === "wasm" ? 480 : 300;
const must = [
  ["at least 6,000 candidates were seen", report.funnel.seen >= 6000],
  ["at least 600 held-out pictures were classified", report.heldOutImages >= 600],
  ["held-out combinations are classified with at least 90 % top-1", report.zeroShotTop1 >= 0.9],
];
const aims = [[`the whole road took at most ${limitSeconds} s`, total <= limitSeconds]];
for (const [claim, holds] of must) console.log(`${holds ? "holds" : "DOES NOT HOLD"}: ${claim}`);
for (const [claim, holds] of aims) console.log(`${holds ? "holds" : "not reached"}: ${claim}`);
console.log(`zero-shot top-1 ${report.zeroShotTop1}, ${total.toFixed(0)} s`);
process.exitCode = must.every(([, holds]) => holds) ? 0 : 1;
