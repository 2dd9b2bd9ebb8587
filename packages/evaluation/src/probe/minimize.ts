/** A smooth function: writes its gradient at x, and gives its value. */
export type Objective = (x: Float64Array, gradient: Float64Array) => Promise<number>;

export interface Minimum {
  x: Float64Array;
  value: number;
  iterations: number;
  /** No element of the gradient is larger than the tolerance. */
  converged: boolean;
}

export interface MinimizeOptions {
  /** Largest element of the gradient that ends it. */
  tolerance?: number;
  maxIterations?: number;
  /** Relative error of the function's values: smaller rises say nothing, the slope decides there. */
  rounding?: number;
  /** Pairs of steps and changes of the gradient that are remembered. */
  history?: number;
}

/** Sufficient decrease, and how flat it must have become (Nocedal & Wright, Numerical Optimization, 3.1). */
const decrease = 1e-4;
const flatness = 0.9;
const mostTrials = 30;

/**
 * L-BFGS with a line search for the strong Wolfe conditions (Nocedal & Wright, algorithms 7.5 and 3.5), in float64.
 * It ends as well where no step lowers the value any more: there the function's own rounding decides.
 *
 * @param start is not changed
 */
export async function minimize(
  objective: Objective,
  start: Float64Array,
  { tolerance = 1e-4, maxIterations = 1000, rounding = 1e-14, history = 10 }: MinimizeOptions = {},
): Promise<Minimum> {
  let x: Float64Array = start.slice();
  let gradient: Float64Array = new Float64Array(x.length);
  let value = await objective(x, gradient);
  const pairs: Pair[] = [];
  let iterations = 0;
  while (largest(gradient) > tolerance && iterations < maxIterations) {
    const direction = downhill(gradient, pairs);
    const first = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    const found = await lineSearch(objective, { x, value, gradient }, direction, first, rounding);
    if (found === null) {
      if (pairs.length === 0) break;
      pairs.length = 0; // once more, straight downhill
      continue;
    }
    iterations++;
    const step = difference(found.x, x);
    const change = difference(found.gradient, gradient);
    const product = dot(step, change);
    if (product > 1e-12 * dot(change, change)) pairs.push({ step, change, product });
    if (pairs.length > history) pairs.shift();
    ({ x, value, gradient } = found);
  }
  return { x, value, iterations, converged: largest(gradient) <= tolerance };
}

interface Pair {
  step: Float64Array;
  change: Float64Array;
  product: number;
}

interface Point {
  x: Float64Array;
  value: number;
  gradient: Float64Array;
}

/** The two loops: minus the inverse Hessian's estimate times the gradient. */
function downhill(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((value) => -value);
  const shares: number[] = [];
  for (const { step, change, product } of pairs.toReversed()) {
    const share = dot(step, direction) / product;
    shares.push(share);
    add(direction, change, -share);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = last.product / dot(last.change, last.change);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  for (const { step, change, product } of pairs) {
    add(direction, step, shares.pop()! - dot(change, direction) / product);
  }
  return direction;
}

/** A point along the direction that satisfies the strong Wolfe conditions, or at least is lower; null where none is. */
async function lineSearch(
  objective: Objective,
  from: Point,
  direction: Float64Array,
  first: number,
  rounding: number,
): Promise<Point | null> {
  const slope = dot(from.gradient, direction);
  if (!(slope < 0)) return null;
  let low = 0;
  let lowValue = from.value;
  let lowSlope = slope;
  let high = Infinity;
  let lowest: Point | null = null;
  let length = first;
  for (let trial = 0; trial < mostTrials; trial++) {
    const x = from.x.slice();
    add(x, direction, length);
    const gradient = new Float64Array(x.length);
    const value = await objective(x, gradient);
    const here = dot(gradient, direction);
    const flat = Math.abs(here) <= -flatness * slope;
    if (flat && Math.abs(value - from.value) <= rounding * Math.abs(from.value))
      return { x, value, gradient };
    const enough = value <= from.value + decrease * length * slope;
    if (!enough || value >= lowValue || Number.isNaN(value)) {
      high = length;
    } else {
      lowest = { x, value, gradient };
      if (flat) return lowest;
      if (here >= 0) high = length;
      else [low, lowValue, lowSlope] = [length, value, here];
    }
    if (high === Infinity) {
      length *= 2;
      continue;
    }
    // the parabola through the lower end's value and slope and the other's value, kept off both ends
    const width = high - low;
    const curve = (value - lowValue - lowSlope * (length - low)) / (length - low) ** 2;
    const guess = length === high && curve > 0 ? low - lowSlope / (2 * curve) : low + width / 2;
    length = Math.min(high - 0.1 * width, Math.max(low + 0.1 * width, guess));
  }
  return lowest;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function add(to: Float64Array, what: Float64Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += times * what[i]!;
}

const difference = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value - b[i]!);
const largest = (values: Float64Array): number =>
  values.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
