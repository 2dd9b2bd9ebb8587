import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeSmallRelease } from "../../packages/training/test/smallRelease.js";
import { type Trace, trainSmallModel } from "./trace.js";
import { webgpuReason, webgpuStatusIn } from "./vulkanDriver.js";

let reason: string | null = null;
beforeAll(() => {
  reason = webgpuReason();
  if (reason !== null) console.warn(`skipped: the webgpu engine: ${reason}`);
});

describe.each(["vit", "resnet"])("a small CLIP with a %s", (model) => {
  beforeEach((context) => {
    if (reason !== null) context.skip(reason);
  });

  it("trains on webgpu as on wasm, to the same bits twice, with no tensor and no byte more from step to step", async () => {
    const engines = ["webgpu", "webgpu", "wasm"];
    const [webgpu, again, wasm] = (await Promise.all(
      engines.map((engine) => trainSmallModel(engine, model)),
    )) as [Trace, Trace, Trace];
    // AdamW divides by a gradient's own size, so that the last digits of near-zero ones grow from step to step
    webgpu.losses.forEach((loss, i) =>
      expect(Math.abs(loss / (wasm.losses[i] ?? NaN) - 1)).toBeLessThan(i < 3 ? 1e-4 : 1e-3),
    );
    for (const [key, { sample }] of Object.entries(webgpu.gradients)) {
      const expected = wasm.gradients[key]!;
      // the floor is for gradients that are zero by mathematics, as those of key biases
      const allowed = Math.max(1e-5 * expected.scale, 1e-6);
      sample.forEach((value, i) => {
        expect(Math.abs(value - (expected.sample[i] ?? NaN)), key).toBeLessThan(allowed);
      });
    }
    expect([again.losses, again.norms]).toEqual([webgpu.losses, webgpu.norms]);
    expect(new Set(webgpu.tensors).size).toBe(1);
    // the first steps find no buffer to use again
    expect(new Set(webgpu.gpuBytes.slice(2)).size).toBe(1);
  });
});

const pairloom = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, [join(import.meta.dirname, "../../services/cli/bin/pairloom.js"), ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });

describe("pairloom train --engine webgpu", () => {
  let folder: string;
  let release: string;
  beforeAll(async () => {
    ({ folder, release } = await makeSmallRelease());
  });
  afterAll(() => rm(folder, { recursive: true }));

  const train = (out: string, model: string, env: NodeJS.ProcessEnv = {}) =>
    pairloom(
      [
        ...[
          "train",
          "--engine",
          "webgpu",
          "--data",
          release,
          "--out",
          join(folder, out),
          "--json",
          "--resume",
        ],
        ...["--model", join(folder, model), "--batch-size", "5", "--steps", "6", "--checkpoint-every", "2"],
      ],
      env,
    );
  const digestsOf = (out: string) =>
    Promise.all(
      ["safetensors", "optimizer"].map(async (ending) =>
        createHash("sha256")
          .update(await readFile(join(folder, out, "checkpoints", `step-000006.${ending}`)))
          .digest("hex"),
      ),
    );

  it.for(["small.json", "resnet.json"])(
    "%s: a run that lost its last steps goes on to the same bits",
    async (model, context) => {
      if (reason !== null) return context.skip(reason);
      const [whole, cut] = [`whole-${model}`, `cut-${model}`];
      const { status, stdout, stderr } = train(whole, model);
      expect(status, stderr).toBe(0);
      expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
        status: "finished",
        step: 6,
      });
      await cp(join(folder, whole), join(folder, cut), { recursive: true });
      for (const ending of ["safetensors", "optimizer"])
        await rm(join(folder, cut, "checkpoints", `step-000006.${ending}`));
      const resumed = train(cut, model);
      expect(JSON.parse(resumed.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
        step: 6,
        samples: 10,
      });
      expect(await digestsOf(cut)).toEqual(await digestsOf(whole));
    },
  );

  it("without a Vulkan driver says so and how to get one, and exits with an error", () => {
    const { status, stdout, stderr } = train("none", "small.json", { VK_DRIVER_FILES: "/nowhere.json" });
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain("engine_unavailable");
    expect(stdout + stderr).toMatch(/No Vulkan adapter was found.*mesa-vulkan-drivers/s);
  });
});

describe("pairloom engine list", () => {
  it("names the adapter, and a driver that computes on the CPU as one", (context) => {
    if (reason !== null) return context.skip(reason);
    const { version } = webgpuStatusIn(process.env);
    const { stdout } = pairloom(["engine", "list"]);
    expect(version).toMatch(/^4\.\d+\.\d+ on /);
    expect(stdout).toContain(`✓ webgpu      ${version}`);
    expect(/llvmpipe|SwiftShader/i.test(version ?? "")).toBe(/, in software$/.test(version ?? ""));
  });

  it("auto never takes a driver that computes on the CPU", (context) => {
    const status = webgpuStatusIn(process.env);
    if (reason !== null || status.version?.endsWith("in software") !== true)
      return context.skip(reason ?? "a real GPU is there");
    const code = `
      import { loadEngine } from "@pairloom/engine";
      console.log((await loadEngine("auto", { cacheDir: "/nowhere", threads: 1 })).name);
      process.exit(0);`;
    const result = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      cwd: import.meta.dirname,
      encoding: "utf8",
    });
    expect(result.stdout.trim()).toBe("wasm");
  });
});
