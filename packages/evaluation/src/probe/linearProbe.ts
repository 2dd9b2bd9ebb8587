import { RandomNumbers } from "@pairloom/clip/images";
import { AnswerCounter, type Classification } from "../classify.js";
import { type FeatureTable, featureRow } from "../featureTable.js";
import { scoreBlocks } from "../scoreBlocks.js";
import { chooseC, type TriedC } from "./chooseC.js";
import { type LinearClassifier, LogisticRegression } from "./logisticRegression.js";

/** Features and the class of each row. */
export interface LabelledFeatures {
  features: FeatureTable;
  labels: number[];
}

export interface ProbeOptions {
  /** Inverse strength of the penalty; by default it is chosen on validation pictures. */
  c?: number | undefined;
  /** By default a fifth of each training class, by lot. They are trained on at the end. */
  validation?: LabelledFeatures | undefined;
  seed?: number | undefined;
  maxIterations?: number | undefined;
  progress?: ((line: string) => void) | undefined;
}

export interface ProbeResult extends Classification {
  c: number;
  tried: TriedC[];
  classifier: LinearClassifier;
}

/** Largest element of the gradient of the mean loss that ends a fit; scikit-learn's is ten times it. */
const tolerance = 1e-5;

/** Share of each class that validates where no pictures are given for it. */
const validationShare = 0.2;

/**
 * Trains a logistic regression on frozen features and evaluates it on others (CLIP paper, 3.2 and A.3).
 *
 * @throws UserError "one_class" where the training rows are of one class alone
 */
export async function linearProbe(
  train: LabelledFeatures,
  test: LabelledFeatures,
  options: ProbeOptions = {},
): Promise<ProbeResult> {
  const { maxIterations = 1000, progress = () => {} } = options;
  let tried: TriedC[] = [];
  let { c } = options;
  if (c === undefined) {
    const [fitted, held] =
      options.validation === undefined ? holdOut(train, options.seed ?? 0) : [train, options.validation];
    ({ c, tried } = await sweep(fitted, held, maxIterations, progress));
  }
  const all = options.validation === undefined ? train : joined(train, options.validation);
  const regression = new LogisticRegression(all.features, all.labels);
  try {
    progress(`training on ${all.features.rows} pictures with C = ${c.toPrecision(3)}`);
    const classifier = await regression.fit(c, undefined, { maxIterations, tolerance });
    return { ...(await classify(classifier, test)), c, tried, classifier };
  } finally {
    regression.dispose();
  }
}

async function sweep(
  train: LabelledFeatures,
  held: LabelledFeatures,
  maxIterations: number,
  progress: (line: string) => void,
) {
  const regression = new LogisticRegression(train.features, train.labels);
  try {
    let weights: Float64Array | undefined;
    return await chooseC(async (c) => {
      const classifier = await regression.fit(c, weights, { maxIterations, tolerance });
      ({ weights } = classifier);
      const { top1 } = await classify(classifier, held);
      progress(
        `C = ${c.toPrecision(3)}: ${(100 * top1).toFixed(2)} % of ${held.features.rows} validation pictures` +
          ` (${classifier.iterations} iterations)`,
      );
      return top1;
    });
  } finally {
    regression.dispose();
  }
}

/** Scores of classes that were not trained on are lower than all others. */
async function classify(
  { classes, weights }: LinearClassifier,
  { features, labels }: LabelledFeatures,
): Promise<Classification> {
  const { width } = features;
  const count = classes.length;
  const columns = new Float32Array(count * width);
  for (let i = 0; i < width; i++)
    for (let k = 0; k < count; k++) columns[k * width + i] = weights[i * count + k]!;
  const known = Math.max(classes.at(-1)!, ...new Set(labels)) + 1;
  const counter = new AnswerCounter(labels, known);
  const scores = new Float64Array(known).fill(-Infinity);
  for await (const { first, rows } of scoreBlocks(features, { rows: count, width, data: columns }))
    rows.forEach((row, i) => {
      classes.forEach((label, k) => (scores[label] = row[k]! + weights[width * count + k]!));
      counter.add(first + i, scores);
    });
  return counter.result();
}

/** A fifth of each class, by lot; of a class with fewer than two pictures none. */
function holdOut({ features, labels }: LabelledFeatures, seed: number): [LabelledFeatures, LabelledFeatures] {
  const byClass = new Map<number, number[]>();
  labels.forEach((label, row) => {
    const rows = byClass.get(label);
    if (rows === undefined) byClass.set(label, [row]);
    else rows.push(row);
  });
  const random = new RandomNumbers(seed, "validation");
  const held = new Set<number>();
  for (const rows of byClass.values()) {
    const wanted = rows.length < 2 ? 0 : Math.max(1, Math.round(validationShare * rows.length));
    for (let i = 0; i < wanted; i++) {
      const [chosen] = rows.splice(random.integer(0, rows.length), 1);
      held.add(chosen!);
    }
  }
  const part = (kept: (row: number) => boolean): LabelledFeatures =>
    chosenRows(
      { features, labels },
      labels.flatMap((_, row) => (kept(row) ? [row] : [])),
    );
  return [part((row) => !held.has(row)), part((row) => held.has(row))];
}

function chosenRows({ features, labels }: LabelledFeatures, rows: readonly number[]): LabelledFeatures {
  const { width } = features;
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, i) => data.set(featureRow(features, row), i * width));
  return { features: { rows: rows.length, width, data }, labels: rows.map((row) => labels[row]!) };
}

function joined(a: LabelledFeatures, b: LabelledFeatures): LabelledFeatures {
  const { width } = a.features;
  const data = new Float32Array(a.features.data.length + b.features.data.length);
  data.set(a.features.data);
  data.set(b.features.data, a.features.data.length);
  return {
    features: { rows: a.features.rows + b.features.rows, width, data },
    labels: [...a.labels, ...b.labels],
  };
}
