/**
 * A table of places in a grid, [rows·columns, D], for another grid: as PyTorch's `interpolate` does it with mode "bicubic" and
 * `antialias`, which is how open_clip resizes an image tower's positions.
 */
export function resizeGrid(
  values: ArrayLike<number>,
  from: readonly [rows: number, columns: number],
  to: readonly [rows: number, columns: number],
  width: number,
): Float32Array {
  const [rows, columns] = from;
  const across = new Float32Array(rows * to[1] * width);
  for (let row = 0; row < rows; row++) {
    const line = { from: row * columns * width, to: row * to[1] * width, stride: width, width };
    weigh(values, across, weightsAlong(columns, to[1]), line);
  }
  const out = new Float32Array(to[0] * to[1] * width);
  const stride = to[1] * width;
  weigh(across, out, weightsAlong(rows, to[0]), { from: 0, to: 0, stride, width: stride });
  return out;
}

/**
 * A table of places in a row, [T, D], for another length: as PyTorch's `interpolate` does it with mode "linear", which is how
 * open_clip resizes a text tower's positions.
 */
export function resizeRow(values: ArrayLike<number>, from: number, to: number, width: number): Float32Array {
  const out = new Float32Array(to * width);
  // places are computed in single precision, as PyTorch computes them
  const scale = Math.fround(from / to);
  for (let place = 0; place < to; place++) {
    const at = Math.max(0, Math.fround(Math.fround(scale * (place + 0.5)) - 0.5));
    const low = Math.floor(at);
    const high = Math.min(low + 1, from - 1);
    const share = Math.fround(at - low);
    for (let d = 0; d < width; d++) {
      out[place * width + d] = values[low * width + d]! * (1 - share) + values[high * width + d]! * share;
    }
  }
  return out;
}

interface Weights {
  /** First input of each output, … */
  readonly first: number;
  /** … and the weights of that one and those behind it; their sum is 1. */
  readonly weights: readonly number[];
}

/** For each output, the inputs that it is made of: a cubic with a = −½, widened by the scale when shrinking. */
function weightsAlong(inputs: number, outputs: number): Weights[] {
  const scale = inputs / outputs;
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  return Array.from({ length: outputs }, (_, output) => {
    const centre = scale * (output + 0.5);
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(inputs, Math.trunc(centre + support + 0.5));
    const raw = Array.from({ length: end - first }, (_, i) =>
      cubic((i + first - centre + 0.5) / filterScale),
    );
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return { first, weights: raw.map((weight) => weight / total) };
  });
}

function cubic(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

interface Line {
  /** Where the inputs and the outputs begin. */
  readonly from: number;
  readonly to: number;
  /** Numbers from one place to the next, … */
  readonly stride: number;
  /** … of which so many belong to each. */
  readonly width: number;
}

function weigh(values: ArrayLike<number>, out: Float32Array, all: readonly Weights[], line: Line): void {
  const { from, to, stride, width } = line;
  all.forEach(({ first, weights }, output) => {
    for (let d = 0; d < width; d++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += values[from + (first + i) * stride + d]! * weights[i]!;
      out[to + output * stride + d] = sum;
    }
  });
}
