import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { quarantineReasons } from "../../shards/src/reader/quarantine.js";
import { mayPass, reasonNames, reasonOfHttpStatus, reasons } from "../src/records/reason.js";

const root = join(import.meta.dirname, "../../..");

/** All that packages and services are made of, the list itself left out. */
function sources(): string[] {
  return ["packages", "services"].flatMap((part) =>
    readdirSync(join(root, part)).flatMap((name) => {
      const folder = join(root, part, name, "src");
      return readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((file) => /\.tsx?$/.test(file) && !file.endsWith("reason.ts"))
        .map((file) => readFileSync(join(folder, file), "utf8"));
    }),
  );
}

it("the page lists every reason, in order, with what it says, and no other", () => {
  const rows = [
    ...readFileSync(join(root, "docs/reasons.md"), "utf8").matchAll(
      /^\| `(\w+)` \| (\w+) \| (yes|no) \| (.+) \|$/gm,
    ),
  ].map(([, name, stage, passes, says]) => [name, stage, passes, says]);
  expect(rows).toEqual(
    Object.entries(reasons).map(([name, { stage, passes, says }]) => [
      name,
      stage,
      passes ? "yes" : "no",
      says,
    ]),
  );
});

it("every reason is given somewhere in the code", () => {
  const text = sources().join("\n");
  // Statuses come to their reasons by number.
  const byStatus = new Set(Array.from({ length: 900 }, (_, i) => reasonOfHttpStatus(100 + i)));
  const nowhere = reasonNames.filter((name) => !byStatus.has(name) && !text.includes(`"${name}"`));
  expect(nowhere).toEqual([]);
});

it("every reason that the code gives is on the list", () => {
  // Where a reason is written down as such: `reason: "x"`, `webNo("x"`, `new Stop("x"`, `refused("x"` and their like.
  const given = sources().flatMap((text) =>
    [
      ...text.matchAll(
        /\b(?:reason(?:: |\s*=\s*|\s*===\s*)|webNo\(|new Stop\(|refused\(|no\()"([a-z0-9_]+)"/g,
      ),
    ].map((match) => match[1] ?? ""),
  );
  expect(given.length).toBeGreaterThan(30);
  const control = ["left", "cut", "unsent"]; // how an exchange tells itself to stop
  // Damage of finished shards has a list of its own: no candidate is dropped for it.
  const others: readonly string[] = [...control, ...quarantineReasons];
  expect([...new Set(given)].filter((name) => !(name in reasons) && !others.includes(name))).toEqual([]);
});

it.each([
  [404, "http_404"],
  [451, "http_4xx"],
  [502, "http_5xx"],
  [503, "http_503"],
  [204, "http_other"],
  [999, "http_other"],
])("status %d is %s", (status, reason) => {
  expect(reasonOfHttpStatus(status)).toBe(reason);
});

it("what a webmaster or the bytes have decided doesn't pass, what the network did does", () => {
  expect(
    ["http_404", "robots_disallowed", "decode_truncated", "dns_not_found"].map((r) => mayPass(r as never)),
  ).toEqual([false, false, false, false]);
  expect(["timeout", "connect_failed", "host_set_aside", "http_429"].map((r) => mayPass(r as never))).toEqual(
    [true, true, true, true],
  );
});
