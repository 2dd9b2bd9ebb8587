import { parentPort, workerData } from "node:worker_threads";
import type { Preprocessing } from "@pairloom/clip/images";
import sharp from "sharp";
import { preprocessPicture } from "../preprocessPicture.js";

/** A thread that makes encoded pictures ready for the image tower. */
export interface PreprocessThreadData {
  preprocessing: Preprocessing;
}

export interface PreprocessOrder {
  id: number;
  image: Uint8Array;
}

export type PreprocessAnswer = { id: number } & ({ pixels: Float32Array<ArrayBuffer> } | { failed: string });

const { preprocessing } = workerData as PreprocessThreadData;
const port = parentPort!;
// no picture comes twice in a row
sharp.cache(false);

async function answer({ id, image }: PreprocessOrder): Promise<void> {
  try {
    const pixels = (await preprocessPicture(image, preprocessing)) as Float32Array<ArrayBuffer>;
    port.postMessage({ id, pixels } satisfies PreprocessAnswer, [pixels.buffer]);
  } catch (error) {
    port.postMessage({
      id,
      failed: error instanceof Error ? error.message : String(error),
    } satisfies PreprocessAnswer);
  }
}
port.on("message", (order: PreprocessOrder) => void answer(order));
