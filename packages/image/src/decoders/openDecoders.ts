import { availableParallelism } from "node:os";
import type { ImageSettings } from "@pairloom/config";
import type { FailedImage, ProcessedImage } from "../processImage.js";
import { Decoder, type DecoderEnd, type Task } from "./decoder.js";
import { allowedCores } from "./onOneCore.js";

export interface DecodersOptions {
  settings: ImageSettings;
  /** Take TIFF as well. */
  tiff?: boolean;
  /** By default the machine's cores. */
  processes?: number;
  /** Pictures that a process works on at once. */
  picturesAtOnce?: number;
  /** How long one picture may take. */
  timeLimitMs?: number;
  log?: ((message: string) => void) | undefined;
  /** The decoders' program; another one for tests. */
  program?: string;
}

/** Processes that decode pictures from strangers, each of which may die of one. Whoever opens them closes them. */
export interface Decoders {
  /** Pictures that are worked on at once; more wait in line. */
  readonly picturesAtOnce: number;
  /**
   * What `processImage` says of a picture, whose bytes may come in pieces. One that kills its decoder is `decode_crashed`, one that takes longer than
   * allowed `decode_timeout`; those that were beside it are not touched by that.
   * @throws where decoders don't start at all, and after `close`
   */
  process(picture: Buffer | readonly Buffer[]): Promise<ProcessedImage | FailedImage>;
  /** The running processes. */
  pids(): number[];
  close(): Promise<void>;
}

/** Decoders in a row that end before they are ready: something is wrong with the machine, not with a picture. */
const deadStarts = 3;

/**
 * Opens decoder processes; they start with the first picture. When one dies, each picture that it had in hand goes alone
 * to a decoder: the one that it was meant for is found by that, the others lose some time.
 */
export function openDecoders(options: DecodersOptions): Decoders {
  const { settings, tiff = false, processes = availableParallelism(), picturesAtOnce = 3 } = options;
  const { timeLimitMs = 60_000, program, log } = options;
  const common = { order: { settings, tiff }, program, picturesAtOnce, timeLimitMs };
  // A core for each where there is one for each, else none is bound to any.
  const cores = allowedCores();
  const freeCores = cores.length < processes ? [] : cores.slice(0, processes);
  const decoders = new Set<Decoder>();
  const line: Task[] = [];
  /** Pictures whose decoder died: each is tried alone. */
  const suspects: Task[] = [];
  /** Decoders that try a suspect and take nothing else meanwhile. */
  const alone = new Set<Decoder>();
  let startsInVain = 0;
  let failure: Error | null = null;

  function start(): Decoder {
    const core = freeCores.pop() ?? null;
    const decoder: Decoder = new Decoder(
      { ...common, core },
      () => {
        startsInVain = 0;
        alone.delete(decoder);
        hand();
      },
      (end) => {
        decoders.delete(decoder);
        if (core !== null) freeCores.push(core);
        if (failure === null) heed(end, alone.delete(decoder));
        else for (const { reject } of end.left) reject(failure);
      },
    );
    decoders.add(decoder);
    return decoder;
  }

  function heed({ left, wasReady, isOverdue, message }: DecoderEnd, wasAlone: boolean): void {
    const [only] = left;
    if (!wasReady) {
      (wasAlone ? suspects : line).unshift(...left);
      if (++startsInVain >= deadStarts) return fail(new Error(`Decoders don't start: ${message}`));
    } else if (wasAlone && only !== undefined) {
      const reason = isOverdue ? "decode_timeout" : "decode_crashed";
      only.resolve({ status: "failed", reason, errorMessage: message.split("\n", 1)[0]! });
    } else {
      log?.(`a decoder ${message}; pictures to try again: ${left.length}`);
      suspects.push(...left);
    }
    hand();
  }

  function fail(error: Error): void {
    failure ??= error;
    for (const { reject } of [...suspects.splice(0), ...line.splice(0)]) reject(failure);
    for (const decoder of decoders) void decoder.close();
  }

  /** Gives what waits to decoders that have room, the least busy first. */
  function hand(): void {
    while (suspects.length > 0) {
      const idle = [...decoders].find(({ inHand }) => inHand === 0) ?? (canStart() ? start() : undefined);
      // The place of the decoder that died is free, or another tries a suspect in it and then takes the next one.
      if (idle === undefined) break;
      const task = suspects.shift()!;
      alone.add(idle);
      idle.take(task);
    }
    while (line.length > 0) {
      let free: Decoder | undefined;
      for (const one of decoders)
        if (one.hasRoom && !alone.has(one) && one.inHand < (free?.inHand ?? Infinity)) free = one;
      if (canStart() && (free === undefined || free.inHand > 0)) free = start();
      if (free === undefined) return;
      free.take(line.shift()!);
    }
  }

  const canStart = (): boolean => decoders.size < processes;

  return {
    picturesAtOnce: processes * picturesAtOnce,
    process: (picture) =>
      new Promise((resolve, reject) => {
        if (failure !== null) return reject(failure);
        line.push({ picture: Buffer.isBuffer(picture) ? [picture] : picture, resolve, reject });
        hand();
      }),
    pids: () => [...decoders].flatMap(({ pid }) => (pid === undefined ? [] : [pid])),
    async close() {
      fail(new Error("The decoders are closed"));
      await Promise.all([...decoders].map((decoder) => decoder.close()));
    },
  };
}
