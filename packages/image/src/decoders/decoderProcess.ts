// A decoder: a process that turns pictures into what is to be stored, and may die of one. Its parent (`openDecoders`)
// starts it with the settings as its argument and a socket as file descriptor 3.
import { Buffer } from "node:buffer";
import { type ConnectOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { ImageSettings } from "@pairloom/config";
import { openCodecs } from "../codecs/openCodecs.js";
import { processImage } from "../processImage.js";
import { setupSharp } from "../setupSharp.js";
import { FrameReader, readyId, writeFrame } from "./frame.js";

/** The argument, as JSON. */
export interface DecoderOrder {
  settings: ImageSettings;
  tiff: boolean;
}

const { settings, tiff } = JSON.parse(process.argv[2]!) as DecoderOrder;
setupSharp({ tiff });
const codecs = settings.codecs === "auto" ? await openCodecs() : null;

async function answer(id: number, picture: Buffer): Promise<void> {
  const image = await processImage(picture, settings, { tiff, codecs });
  if (image.status !== "ok") return writeFrame(socket, { id, text: JSON.stringify(image), body: [] });
  const { bytes, ...facts } = image;
  writeFrame(socket, { id, text: JSON.stringify(facts), body: [bytes] });
}

const reader = new FrameReader(({ id, body }) => void answer(id, body), 0xffffffff);
const options: SocketConstructorOpts & ConnectOpts = {
  fd: 3,
  // One buffer for all reads: what comes is copied to where it belongs, and nothing is left to collect.
  onread: {
    buffer: Buffer.allocUnsafeSlow(256 * 1024),
    callback(count, buffer) {
      reader.push(buffer.subarray(0, count));
      return true;
    },
  },
};
const socket = new Socket(options);
// The parent stops us; a signal to the whole group (Ctrl-C) is for it to answer. Without it there is nothing to do.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
socket.on("error", () => process.exit());
socket.on("close", () => process.exit());
socket.on("end", () => process.exit());
writeFrame(socket, { id: readyId, text: "", body: [] });
