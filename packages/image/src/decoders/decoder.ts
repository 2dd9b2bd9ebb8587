import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { createRequire } from "node:module";
import type { FailedImage, ProcessedImage } from "../processImage.js";
import type { DecoderOrder } from "./decoderProcess.js";
import { type Frame, FrameReader, readyId, writeFrame } from "./frame.js";
import { imageAnswer } from "./imageAnswer.js";
import { onOneCore } from "./onOneCore.js";

export interface DecoderOptions {
  order: DecoderOrder;
  /** The core that it runs on; null: any. */
  core: number | null;
  /** The decoder's program; another one for tests. */
  program?: string | undefined;
  /** Pictures that it works on at once. */
  picturesAtOnce: number;
  /** How long one picture may take. */
  timeLimitMs: number;
}

/** One picture on its way through decoders. */
export interface Task {
  /** Its bytes, in pieces. */
  picture: readonly Buffer[];
  resolve: (image: ProcessedImage | FailedImage) => void;
  reject: (error: Error) => void;
}

export interface DecoderEnd {
  /** What it was working on; nothing of it was answered. */
  left: Task[];
  /** It was ready for pictures; otherwise it didn't even start. */
  wasReady: boolean;
  /** It was ended because a picture took too long. */
  isOverdue: boolean;
  /** How it ended, with the last that it said. */
  message: string;
}

/** Text of a stored picture's facts and its bytes: more than this is no answer. */
const maxAnswerBytes = 1 << 30;
const toldBytes = 2000;
/** What a decoder's environment keeps: nothing that is secret. */
const keptVariables = ["PATH", "LD_LIBRARY_PATH", "SystemRoot", "TMPDIR"];

/** Its heap holds next to nothing: without these, and more than one arena, a decoder takes 80 MB in place of 56. */
const smallHeap = ["--max-semi-space-size=1", "--v8-pool-size=1"];

/** A decoder process and what it has in hand. */
export class Decoder {
  private readonly child: ChildProcess;
  private readonly socket: Socket;
  private readonly tasks = new Map<number, { task: Task; sinceMs: number }>();
  private readonly timer: NodeJS.Timeout;
  private lastId = readyId;
  private said = "";
  private isOverdue = false;
  /** Null until it is ready; pictures that it was given before count their time from then. */
  private readyMs: number | null = null;
  private hasEnded = false;

  constructor(
    private readonly options: DecoderOptions,
    /** A picture was answered. */
    private readonly onAnswer: () => void,
    private readonly onEnd: (end: DecoderEnd) => void,
  ) {
    const program =
      options.program ?? createRequire(import.meta.url).resolve("@pairloom/image/decoders/decoderProcess");
    const kept = keptVariables.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const args = [...smallHeap, program, JSON.stringify(options.order)];
    this.child = spawn(...onOneCore(options.core, process.execPath, args), {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      env: {
        ...Object.fromEntries(kept),
        UV_THREADPOOL_SIZE: String(options.picturesAtOnce + 1),
        MALLOC_ARENA_MAX: "1",
        // What a large picture took is given back; giving back less takes 3 % of its time.
        MALLOC_TRIM_THRESHOLD_: String(4 << 20),
        MALLOC_MMAP_THRESHOLD_: String(4 << 20),
      },
    });
    this.socket = this.child.stdio[3] as Socket;
    const reader = new FrameReader((frame) => this.hear(frame), maxAnswerBytes);
    this.socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.say(String(error));
        this.child.kill("SIGKILL");
      }
    });
    // A write that fails is told by the end of the process.
    this.socket.on("error", () => undefined);
    this.child.stderr?.on("data", (chunk: Buffer) => this.say(chunk.toString("utf8")));
    this.child.on("error", (error) => this.end(String(error)));
    this.child.on("close", (code, signal) => this.end(`ended with ${signal ?? `exit code ${code}`}`));
    this.timer = setInterval(() => this.look(), Math.min(1000, options.timeLimitMs / 2));
    this.timer.unref();
  }

  /** Its process, for whoever looks on. */
  get pid(): number | undefined {
    return this.child.pid;
  }

  get inHand(): number {
    return this.tasks.size;
  }

  get hasRoom(): boolean {
    return this.tasks.size < this.options.picturesAtOnce;
  }

  take(task: Task): void {
    const id = ++this.lastId;
    this.tasks.set(id, { task, sinceMs: performance.now() });
    writeFrame(this.socket, { id, text: "", body: task.picture });
  }

  /** Ends it, whatever it has in hand. */
  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once("close", resolve));
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined)
      return;
    this.child.kill("SIGKILL");
    await ended;
  }

  private hear(frame: Frame): void {
    if (frame.id === readyId) {
      this.readyMs = performance.now();
      return;
    }
    const known = this.tasks.get(frame.id);
    if (known === undefined) throw new RangeError(`an answer to nothing (${frame.id})`);
    const image = imageAnswer(frame);
    this.tasks.delete(frame.id);
    known.task.resolve(image);
    this.onAnswer();
  }

  private look(): void {
    const { readyMs } = this;
    if (readyMs === null) return;
    const beforeMs = performance.now() - this.options.timeLimitMs;
    if (![...this.tasks.values()].some(({ sinceMs }) => Math.max(sinceMs, readyMs) < beforeMs)) return;
    this.isOverdue = true;
    this.child.kill("SIGKILL");
  }

  private say(text: string): void {
    this.said = (this.said + text).slice(-toldBytes);
  }

  private end(how: string): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearInterval(this.timer);
    const left = [...this.tasks.values()].map(({ task }) => task);
    this.tasks.clear();
    const message = [how, this.said.trim()].filter(Boolean).join(": ");
    this.onEnd({ left, wasReady: this.readyMs !== null, isOverdue: this.isOverdue, message });
  }
}
