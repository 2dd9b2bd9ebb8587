import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { eagerPrograms, type OpenPrograms, type ProgramSource } from "@pairloom/engine";
import { expectNear } from "./nearness.js";
import { tensorflowSuite } from "./tensorflowSuite.js";

const suite = tensorflowSuite();
const adamW = { rateScale: 1, beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0.2 };

interface Model {
  weight: tf.Variable;
  first: tf.Variable;
  second: tf.Variable;
  average: tf.Variable;
}

function makeModel(): Model {
  return tf.tidy(() => {
    const weight = tf.variable(tf.randomNormal([5, 3], 0, 1, "float32", 1));
    const zeros = () => tf.variable(tf.zeros([5, 3]));
    // the average begins as the weight: TensorFlow.js lets both share their values
    return { weight, first: zeros(), second: zeros(), average: tf.variable(tf.clone(weight)) };
  });
}

/** A step of AdamW towards x·w = y, an average, and a look at what the variables are at each point. */
function programsOf({ weight, first, second, average }: Model): Record<"step" | "look", ProgramSource> {
  return {
    step: {
      samples: [tf.ones([4, 5]), tf.ones([4, 3]), tf.ones([5])],
      run([x, y, rates]) {
        const before = tf.mul(weight, 2);
        const loss = (w: tf.Tensor): tf.Scalar => tf.mean(tf.square(tf.sub(tf.matMul(x!, w), y!)));
        const { value, grad } = tf.valueAndGrad(loss)(weight);
        suite.engine.ops.adamwStep(weight, first, second, grad, rates as tf.Tensor1D, adamW);
        average.assign(tf.add(average, tf.mul(tf.sub(weight, average), 0.25)));
        return [value, before, tf.mul(weight, 2)];
      },
    },
    look: { samples: [tf.ones([4, 5])], run: ([x]) => [tf.matMul(x!, weight), tf.sum(average)] },
  };
}

async function play(open: OpenPrograms): Promise<ArrayLike<number>[]> {
  const model = makeModel();
  const sources = programsOf(model);
  const programs = open(sources, { variables: new Map(Object.entries(model)) });
  const seen: ArrayLike<number>[] = [];
  for (let step = 1; step <= 7; step++) {
    const rates = tf.tensor1d([
      1,
      0.05,
      1 / (1 - 0.9 ** step),
      1 / Math.sqrt(1 - 0.98 ** step),
      step === 5 ? 0 : 1,
    ]);
    const inputs = [
      tf.randomNormal([4, 5], 0, 1, "float32", 10 + step),
      tf.randomNormal([4, 3], 0, 1, "float32", 20 + step),
      rates,
    ];
    const outputs = [...programs.run("step", inputs), ...programs.run("look", [inputs[0]!])];
    seen.push(...outputs.map((one) => one.dataSync()));
    tf.dispose([...inputs, ...outputs]);
  }
  await programs.withVariables(async () => {
    for (const variable of Object.values(model) as tf.Variable[]) seen.push(await variable.data());
  });
  programs.dispose();
  for (const { samples } of Object.values(sources)) tf.dispose([...samples]);
  tf.dispose(Object.values(model) as tf.Variable[]);
  return seen;
}

describe("compiled programs", () => {
  it("give what the same operations give one by one: outputs, and what two programs leave in common variables", async () => {
    const [compiled, eager] = [await play(suite.engine.openPrograms), await play(eagerPrograms)];
    expectNear(compiled, eager, 1e-6);
    // a refused step (the fifth) changed nothing
    expect(compiled[4 * 5 + 2]).toEqual(compiled[4 * 5 + 1]);
    expect(compiled[3 * 5 + 2]).not.toEqual(compiled[3 * 5 + 1]);
  });

  it("give the same bits again", async () => {
    expect(await play(suite.engine.openPrograms)).toEqual(await play(suite.engine.openPrograms));
  });

  it("leave the variables as they were where they are only compiled", async () => {
    const model = makeModel();
    const before = await model.weight.data();
    const programs = suite.engine.openPrograms(programsOf(model), {
      variables: new Map(Object.entries(model)),
    });
    await programs.withVariables(async () => {
      expect(await model.weight.data()).toEqual(before);
      expect(await model.average.data()).toEqual(before);
      expect(Math.max(...(await model.second.data()))).toBe(0);
    });
    programs.dispose();
  });

  it("keep the variables' values to themselves outside of withVariables", async () => {
    const model = makeModel();
    const programs = suite.engine.openPrograms(programsOf(model), {
      variables: new Map(Object.entries(model)),
    });
    expect(() => model.weight.dataSync()).toThrow();
    await expect(programs.withVariables(() => Promise.reject(new Error("work failed")))).rejects.toThrow(
      "work failed",
    );
    expect(() => model.weight.dataSync()).toThrow();
    await programs.withVariables(async () => expect((await model.weight.data()).length).toBe(15));
    programs.dispose();
  });

  it("a value read between two changes of a variable is the one of that moment", () => {
    const variable = tf.variable(tf.tensor1d([1, 2, 3]));
    const moments = [tf.variable(tf.zeros([3])), tf.variable(tf.zeros([3]))] as const;
    const programs = suite.engine.openPrograms(
      {
        change: {
          samples: [tf.ones([3]), tf.ones([5])],
          run([gradient, rates]) {
            const before = tf.clone(variable);
            suite.engine.ops.adamwStep(variable, ...moments, gradient!, rates as tf.Tensor1D, adamW);
            const between = tf.mul(variable, 1);
            variable.assign(tf.fill([3], 9));
            return [before, between, tf.add(variable, 0)];
          },
        },
      },
      {
        variables: new Map([
          ["p", variable],
          ["m", moments[0]],
          ["v", moments[1]],
        ]),
      },
    );
    for (let time = 0; time < 20; time++) {
      const [before, between, after] = programs
        .run("change", [tf.ones([3]), tf.tensor1d([1, 0.5, 1, 1, 1])])
        .map((one) => Array.from(one.dataSync()));
      expect(before).toEqual(time === 0 ? [1, 2, 3] : [9, 9, 9]);
      between!.forEach((value, i) => expect(value).toBeLessThan(before![i]!));
      expect(after).toEqual([9, 9, 9]);
    }
    programs.dispose();
  });

  it("refuse to be compiled where they read numbers back, and say why", () => {
    const source: ProgramSource = {
      samples: [tf.ones([2])],
      run: ([x]) => [tf.scalar(tf.add(x!, 1).dataSync()[0]!)],
    };
    const before = suite.engine.openPrograms;
    expect(() => before({ source }, { variables: new Map() })).toThrow(/may not read numbers back/);
    // nor an input's
    const peeking: ProgramSource = { samples: [tf.ones([2])], run: ([x]) => [tf.scalar(x!.dataSync()[0]!)] };
    expect(() => before({ peeking }, { variables: new Map() })).toThrow(/may not read numbers back/);
    // and everything else goes on
    expect(Array.from(tf.add(tf.ones([1]), 1).dataSync())).toEqual([2]);
  });

  it("take one tensor as two of their samples for two inputs", () => {
    const same = tf.ones([2]);
    const programs = suite.engine.openPrograms(
      { minus: { samples: [same, same], run: ([a, b]) => [tf.sub(a!, b!)] } },
      { variables: new Map() },
    );
    const [out] = programs.run("minus", [tf.tensor1d([5, 6]), tf.tensor1d([1, 2])]);
    expect(Array.from(out!.dataSync())).toEqual([4, 4]);
    programs.dispose();
  });

  it("refuse XLA in a process whose TensorFlow was loaded without", () => {
    const source: ProgramSource = { samples: [tf.ones([2])], run: ([x]) => [tf.add(x!, 1)] };
    expect(() => suite.engine.openPrograms({ source }, { variables: new Map(), xla: true })).toThrow(
      /loaded in this process without XLA/,
    );
  });

  it("free their session and every tensor", async () => {
    const { binding } = tf.backend() as unknown as { binding: { getNumOfSavedModels(): number } };
    await play(suite.engine.openPrograms);
    const [models, tensors] = [binding.getNumOfSavedModels(), tf.memory().numTensors];
    await play(suite.engine.openPrograms);
    expect(binding.getNumOfSavedModels()).toBe(models);
    expect(tf.memory().numTensors).toBe(tensors);
    const source: ProgramSource = {
      samples: [tf.ones([2])],
      run: () => {
        throw new Error("not to be compiled");
      },
    };
    expect(() => suite.engine.openPrograms({ source }, { variables: new Map() })).toThrow(
      "not to be compiled",
    );
    tf.dispose([...source.samples]);
    expect(binding.getNumOfSavedModels()).toBe(models);
    expect(tf.memory().numTensors).toBe(tensors);
  });
});
