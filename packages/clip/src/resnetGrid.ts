/** Side of the feature map that a ModifiedResNet hands its attention pool: a stride-2 convolution, then four average pools. */
export function resnetGrid(imageSize: number): number {
  let side = Math.floor((imageSize - 1) / 2) + 1;
  for (let pool = 0; pool < 4; pool++) side = Math.floor(side / 2);
  return side;
}
