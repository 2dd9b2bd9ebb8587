import { reasonNames } from "@pairloom/config";
import { z } from "zod";
import type { FailedImage, ProcessedImage } from "../processImage.js";
import { rasterFormats } from "../sniffFormat.js";
import type { Frame } from "./frame.js";

const pixels = z.int().min(1);
const image = z.strictObject({
  status: z.literal("ok"),
  width: pixels,
  height: pixels,
  originalWidth: pixels,
  originalHeight: pixels,
  originalFormat: z.enum(rasterFormats),
  exif: z.string().nullable(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  pdq: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  pdqQuality: z.int().min(0).max(100).nullable(),
});
const failure = z.strictObject({
  status: z.literal("failed"),
  reason: z.enum(reasonNames),
  errorMessage: z.string().nullable(),
});
const answer = z.discriminatedUnion("status", [image, failure]);

/** Reads a decoder's answer; what a hostile picture made of the decoder is not trusted. @throws where it is none */
export function imageAnswer({ text, body }: Frame): ProcessedImage | FailedImage {
  const facts = answer.parse(JSON.parse(text));
  return facts.status === "ok" ? { ...facts, bytes: body } : facts;
}
