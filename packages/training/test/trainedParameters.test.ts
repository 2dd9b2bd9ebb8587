import { initialParameters, type HostTensor } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTrainerState, restoreTrainerState } from "../src/run/trainerState.js";
import { parameterGroups } from "../src/step/parameterGroups.js";
import { StepVariables } from "../src/step/stepVariables.js";
import { openTrainingStep } from "../src/step/trainingStep.js";
import { smallModel, smallResNet } from "./smallRelease.js";
import { openSmallStep } from "./smallStep.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
});
afterAll(() => engine.dispose());

const deep = {
  ...smallModel,
  vision_cfg: { ...smallModel.vision_cfg, layers: 2 },
  text_cfg: { ...smallModel.text_cfg, layers: 3 },
};

describe("a locked tower stays as it is, bit for bit, and the other learns", () => {
  const isOf = (tower: "image" | "text", key: string) =>
    key.startsWith("logit_") ? false : key.startsWith("visual.") === (tower === "image");
  test.each([
    ["image", "ResNet", smallResNet, 1],
    ["image", "ResNet in two parts", smallResNet, 2],
    ["image", "vision transformer", smallModel, 1],
    ["text", "ResNet", smallResNet, 1],
    ["text", "vision transformer in two parts", smallModel, 2],
  ] as const)("the %s tower of a %s", async (lock, _, model, accumulate) => {
    const { config, step, batch, variables, dispose } = openSmallStep(engine, model, { lock, accumulate });
    const read = () => new Map([...variables.parameters].map(([key, one]) => [key, [...one.dataSync()]]));
    const before = read();
    const losses: number[] = [];
    for (let at = 1; at <= 15; at++) losses.push((await step.run(batch, at, 0.005)).loss);
    const after = read();
    // an untrained ResNet by its first running statistics tells pictures barely apart: the text tower can only stop erring
    expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]!);
    const other = lock === "image" ? "text" : "image";
    let learned = 0;
    for (const [key, values] of before) {
      if (isOf(lock, key)) expect(after.get(key), key).toEqual(values);
      else if (isOf(other, key) && String(after.get(key)) !== String(values)) learned++;
    }
    expect(learned).toBeGreaterThan(5);
    expect(after.get("logit_scale")).not.toEqual(before.get("logit_scale"));
    // a ResNet that is trained moves its running statistics; one that is locked has none that move
    const tracked = after.get("visual.bn1.num_batches_tracked")?.[0];
    if (config.vision_cfg.layers instanceof Array) expect(tracked).toBe(lock === "image" ? 0 : 15);
    dispose();
  });

  test("a locked ResNet normalises by its running statistics: one picture's features don't hang on the others", async () => {
    const { step, batch, dispose } = openSmallStep(engine, smallResNet, { lock: "image", batchSize: 2 });
    const twice = openSmallStep(engine, smallResNet, { lock: "image", batchSize: 4 });
    const { loss } = await step.run(batch, 1, 0);
    const images = Float32Array.from([...batch.images, ...batch.images]);
    const tokens = Int32Array.from([...batch.tokens, ...batch.tokens]);
    // every pair is there twice: each softmax has twice the terms, so the loss is ln 2 more
    expect((await twice.step.run({ images, tokens }, 1, 0)).loss - loss).toBeCloseTo(Math.log(2), 4);
    dispose();
    twice.dispose();
  });
});

describe("rates shrink layer by layer towards the input", () => {
  const more = { weightDecay: 0.2, textRate: 0.1, layerDecay: 0.5, lock: "none" as const };

  test.each([
    ["visual.proj", 1],
    ["visual.ln_post.weight", 1],
    ["visual.transformer.resblocks.1.mlp.c_fc.weight", 0.5],
    ["visual.transformer.resblocks.0.ln_1.bias", 0.25],
    ["visual.conv1.weight", 0.125],
    ["visual.class_embedding", 0.125],
    ["visual.positional_embedding", 0.125],
    ["visual.ln_pre.weight", 0.125],
    ["text_projection", 0.1],
    ["ln_final.bias", 0.1],
    ["transformer.resblocks.2.attn.out_proj.weight", 0.05],
    ["transformer.resblocks.0.attn.in_proj_weight", 0.0125],
    ["token_embedding.weight", 0.00625],
    ["positional_embedding", 0.00625],
    ["logit_scale", 1],
  ])("%s: %d", (key, rate) => {
    const { config, dispose } = openSmallStep(engine, deep);
    expect(parameterGroups(config, more).get(key)!.rateScale).toBeCloseTo(rate, 10);
    dispose();
  });

  test.each([
    ["visual.attnpool.c_proj.weight", 1],
    ["visual.layer4.0.conv1.weight", 0.5],
    ["visual.layer1.0.bn1.weight", 0.0625],
    ["visual.conv1.weight", 0.03125],
    ["visual.bn3.bias", 0.03125],
  ])("of a ResNet, %s: %d", (key, rate) => {
    const { config, dispose } = openSmallStep(engine, smallResNet);
    expect(parameterGroups(config, more).get(key)!.rateScale).toBeCloseTo(rate, 10);
    dispose();
  });

  test("and the step takes them: a first step moves each number by its parameter's rate", async () => {
    const settings = { weightDecay: 0, layerDecay: 0.5, textRate: 0.1, gradClip: null, eps: 1e-12 };
    const { config, step, batch, variables, dispose } = openSmallStep(engine, deep, settings);
    const start = new Map(
      [...variables.trained].map(([key, one]) => [key, one.parameter.dataSync().slice()]),
    );
    await step.run(batch, 1, 0.01);
    const groups = parameterGroups(config, { ...more, layerDecay: 0.5, textRate: 0.1 });
    for (const key of ["visual.proj", "visual.conv1.weight", "text_projection", "positional_embedding"]) {
      const moved = Array.from(variables.trained.get(key)!.parameter.dataSync(), (value, i) =>
        Math.abs(value - start.get(key)![i]!),
      );
      expect(Math.max(...moved) / (0.01 * groups.get(key)!.rateScale), key).toBeCloseTo(1, 2);
    }
    dispose();
  });
});

test("decay goes to parameters of two axes or more alone", () => {
  const { config, dispose } = openSmallStep(engine, smallResNet);
  for (const [key, { weightDecay }] of parameterGroups(config, {
    ...{ weightDecay: 0.2, textRate: 1, layerDecay: 1, lock: "none" },
  }))
    expect(weightDecay, key).toBe(
      /(bias|logit_scale|ln_\w+\.weight|bn\d\.weight|downsample\.1\.weight)$/.test(key) ? 0 : 0.2,
    );
  dispose();
});

describe("moving averages", () => {
  test.each([1, 2])("follow their formula over five steps in %i parts", async (accumulate) => {
    const decay = 0.8;
    const { step, batch, variables, dispose } = openSmallStep(engine, smallModel, {
      emaDecay: decay,
      accumulate,
    });
    const expected = new Map(
      [...variables.trained].map(([key, { parameter }]) => [key, Float64Array.from(parameter.dataSync())]),
    );
    for (let at = 1; at <= 5; at++) {
      await step.run(batch, at, 0.005);
      for (const [key, { parameter }] of variables.trained) {
        const average = expected.get(key)!;
        parameter.dataSync().forEach((value, i) => (average[i] = decay * average[i]! + (1 - decay) * value));
      }
    }
    for (const [key, { average, parameter }] of variables.trained) {
      const gap = (to: ArrayLike<number>) =>
        average!.dataSync<"float32">().reduce((most, a, i) => Math.max(most, Math.abs(a - to[i]!)), 0);
      expect(gap(expected.get(key)!), key).toBeLessThan(1e-6);
      if (key === "visual.proj") expect(gap(parameter.dataSync())).toBeGreaterThan(1e-3);
    }
    dispose();
  });

  test("are the checkpoint's model; restored, raw parameters and averages go on bit for bit", async () => {
    for (const accumulate of [1, 2]) {
      const more = { emaDecay: 0.8, accumulate };
      const whole = openSmallStep(engine, smallResNet, more);
      const { config, settings, batch } = whole;
      for (let at = 1; at <= 3; at++) await whole.step.run(batch, at, 0.005);
      const { model, optimizer } = await whole.step.withVariables(() => readTrainerState(whole.variables));
      const { average, parameter } = whole.variables.trained.get("visual.attnpool.positional_embedding")!;
      expect([...(model.get("visual.attnpool.positional_embedding")!.data as Float32Array)]).toEqual([
        ...average!.dataSync(),
      ]);
      const raw = optimizer.get("parameter.visual.attnpool.positional_embedding")!;
      expect([...(raw.data as Float32Array)]).toEqual([...parameter.dataSync()]);

      const variables = new StepVariables(config, model, settings, { accumulates: accumulate > 1 });
      restoreTrainerState(variables, optimizer);
      const step = openTrainingStep(engine, variables, settings);
      for (let at = 4; at <= 6; at++) {
        const result = await step.run(batch, at, 0.005);
        expect(result).toEqual(await whole.step.run(batch, at, 0.005));
      }
      const restored = variables.all();
      for (const [name, variable] of whole.variables.all())
        expect([...restored.get(name)!.dataSync()], name).toEqual([...variable.dataSync()]);
      step.dispose();
      variables.dispose();
      whole.dispose();
    }
  });

  test("a checkpoint without them, or of another shape, is refused by the tensor's name", () => {
    const { config, settings, variables, dispose } = openSmallStep(engine, smallModel, { emaDecay: 0.8 });
    const none = new Map<string, HostTensor>();
    expect(() => restoreTrainerState(variables, none)).toThrow(/no exp_avg\.\S+ of shape \[/);
    dispose();
    const state = initialParameters(config, 1);
    const other = new StepVariables(config, state, settings, { accumulates: false });
    const moments = new Map(
      [...other.trained.keys()].flatMap((key) =>
        ["exp_avg", "exp_avg_sq"].map((name) => [`${name}.${key}`, state.get(key)!] as const),
      ),
    );
    expect(() => restoreTrainerState(other, moments)).toThrow("no parameter.");
    other.dispose();
  });
});
