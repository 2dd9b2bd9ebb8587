// A decoder that does what a hostile picture might make of one: the picture's text says what.
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { framePieces, FrameReader, readyId } from "../../dist/decoders/frame.js";

const none = Buffer.alloc(0);
const socket = new Socket({ fd: 3 });
const send = (frame) => framePieces(frame).forEach((piece) => socket.write(piece));
const say = (id, text) => send({ id, text, body: none });
const failed = (message) =>
  JSON.stringify({ status: "failed", reason: "not_an_image", errorMessage: message });

const tricks = {
  crash: () => process.kill(process.pid, "SIGSEGV"),
  exit: () => process.exit(3),
  hang: () => undefined,
  spin: () => {
    for (;;);
  },
  "wrong shape": (id) => say(id, JSON.stringify({ status: "ok", width: "wide" })),
  "no JSON": (id) => say(id, "{"),
  "another's answer": (id) => say(id + 1000, failed("")),
  endless: () => socket.write(Buffer.alloc(12, 0xff)),
  environment: (id) => say(id, failed(Object.keys(process.env).join())),
  slow: async (id) => {
    await sleep(100);
    say(id, failed("slow"));
  },
};
const reader = new FrameReader(({ id, body }) => {
  const trick = tricks[body.toString()];
  if (trick === undefined) say(id, failed(body.toString()));
  else void trick(id);
}, 1 << 20);
socket.on("data", (chunk) => reader.push(chunk));
socket.on("end", () => process.exit());
say(readyId, "");
