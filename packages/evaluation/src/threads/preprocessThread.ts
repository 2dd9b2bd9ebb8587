import { parentPort, workerData } from "node:worker_threads";
import sharp from "sharp";
import { preprocessPicture } from "../preprocessPicture.js";

/** A thread that makes encoded pictures ready for the image tower. */
export interface PreprocessThreadData {
  size: readonly [height: number, width: number];
}

export interface PreprocessOrder {
  id: number;
  image: Uint8Array;
}

export type PreprocessAnswer = { id: number } & ({ pixels: Float32Array<ArrayBuffer> } | { failed: string });

const { size } = workerData as PreprocessThreadData;
const port = parentPort!;
// no picture comes twice in a row
sharp.cache(false);

async function answer({ id, image }: PreprocessOrder): Promise<void> {
  try {
    const pixels = (await preprocessPicture(image, size)) as Float32Array<ArrayBuffer>;
    port.postMessage({ id, pixels } satisfies PreprocessAnswer, [pixels.buffer]);
  } catch (error) {
    port.postMessage({
      id,
      failed: error instanceof Error ? error.message : String(error),
    } satisfies PreprocessAnswer);
  }
}
port.on("message", (order: PreprocessOrder) => void answer(order));
