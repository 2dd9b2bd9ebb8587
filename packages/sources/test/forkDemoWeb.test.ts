import { existsSync } from "node:fs";
import { expect, it } from "vitest";
// the built package: a child process can't run TypeScript
import { forkDemoWeb } from "@pairloom/sources";

it("a demo web in a process of its own serves, counts, and ends when it is closed", async () => {
  const web = await forkDemoWeb({ seed: 1, scale: 0.01 });
  try {
    const good = web.routes.find(({ fate }) => fate === "good");
    const response = await fetch(good?.url ?? "");
    expect(response.headers.get("content-type")).toMatch(/^image\//);
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(500);
    expect((await web.stats()).byKind["good"]).toBe(1);
    await expect(forkDemoWeb({ seed: 1, scale: 0.01, port: web.port })).rejects.toMatchObject({
      code: "demo_port_in_use",
    });
  } finally {
    await web.close();
  }
  expect(existsSync(`/proc/${web.pid}`)).toBe(false);
});
