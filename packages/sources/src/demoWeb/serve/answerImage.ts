import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { hostsOfRole } from "../plan/demoHosts.js";
import type { PlannedImage } from "../plan/demoPlan.js";
import { hostOrigin } from "../plan/imageUrl.js";
import { garbageJpeg, gzipBomb, hugeHeaderPng, jpegStart, scriptSvg } from "./hostileFiles.js";
import type { PictureFiles } from "./pictureFiles.js";

export interface ImageRequest {
  image: PlannedImage;
  response: ServerResponse;
  files: PictureFiles;
  port: number;
  /** From `?w=`. */
  width: number | null;
  /** Redirects still to come before the picture; null at the image's own URL. */
  hops: number | null;
  /** Runs `task` every `ms` until the response or the server is closed. */
  every(ms: number, task: () => void): void;
}

/** Answers the request for an image as its fate demands. Depends on the URL alone: every run meets the same. */
export async function answerImage(request: ImageRequest): Promise<void> {
  const { image, response, files, port, width, hops } = request;
  const send = (status: number, headers: Record<string, string>, body: Buffer | string = "") => {
    response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) });
    response.end(body);
  };
  const redirect = (location: string) => send(302, { location });
  const picture = async (headers: Record<string, string> = {}) => {
    const { bytes, contentType } = await files.file(image, width);
    send(200, { "content-type": contentType, "cache-control": "max-age=86400", ...headers }, bytes);
  };
  const hop = (left: number, host = image.host) =>
    redirect(`${host === image.host ? "" : hostOrigin(host, port)}/hop/${left}/${image.host}${image.path}`);
  if (hops !== null) {
    if (image.fate === "redirect_loop") return redirect(image.path);
    return hops > 0 ? hop(hops - 1) : picture();
  }

  const status = /^http_(\d+)$/.exec(image.fate)?.[1];
  if (status !== undefined) return send(Number(status), { "content-type": "text/plain" }, "no\n");
  switch (image.fate) {
    case "redirect_1":
      return hop(0);
    case "redirect_2":
      return hop(1);
    case "redirect_3":
      return hop(2);
    case "redirect_many":
      return hop(25); // more than are followed
    case "redirect_loop":
      return hop(0);
    case "redirect_host":
      return hop(0, hostsOfRole("cdn")[0]?.number);
    case "redirect_metadata":
      return redirect("http://169.254.169.254/latest/meta-data/");
    case "redirect_private":
      return redirect(`http://10.0.0.1${image.path}`);
    case "redirect_scheme":
      return redirect("ftp://127.0.0.1/picture.jpg");
    case "noai_header":
      return picture({ "x-robots-tag": "noai" });
    case "noimageai_header":
      return picture({ "x-robots-tag": "noimageai" });
    case "tdm_header":
      return picture({ "tdm-reservation": "1" });
    case "wrong_type": {
      const { contentType } = await files.file(image, width);
      const other = contentType === "image/gif" ? "image/jpeg" : "image/gif";
      const types = ["text/plain", "application/octet-stream", other];
      return picture({ "content-type": types[image.index % types.length] as string });
    }
    case "gzip_good": {
      const { bytes, contentType } = await files.file(image, width);
      return send(200, { "content-type": contentType, "content-encoding": "gzip" }, gzipSync(bytes));
    }
    case "truncated": {
      const { bytes, contentType } = await files.file(image, width);
      return send(200, { "content-type": contentType }, bytes.subarray(0, Math.floor(bytes.length * 0.55)));
    }
    case "short_body": {
      const { bytes, contentType } = await files.file(image, width);
      response.writeHead(200, { "content-type": contentType, "content-length": String(bytes.length) });
      return void response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
    }
    case "garbage":
      return send(200, { "content-type": "image/jpeg" }, garbageJpeg(4000));
    case "html_as_image":
      return send(
        200,
        { "content-type": "image/jpeg" },
        "<!doctype html><title>Sorry</title><p>This picture has moved.\n",
      );
    case "empty":
      return send(200, { "content-type": "image/jpeg" });
    case "gzip_bomb":
      return send(200, { "content-type": "image/jpeg", "content-encoding": "gzip" }, gzipBomb());
    case "huge_header":
      return send(200, { "content-type": "image/png" }, hugeHeaderPng());
    case "svg_script":
      return send(200, { "content-type": "image/svg+xml" }, scriptSvg);
    case "oversize_declared":
      return pour(response, { "content-length": String(oversizeBytes) });
    case "oversize_streamed":
      return pour(response, {});
    case "drip":
      response.writeHead(200, { "content-type": "image/jpeg" });
      response.write(jpegStart);
      return request.every(250, () => void response.write("."));
    case "never":
      return;
    case "reset":
      return void response.socket?.resetAndDestroy();
    default:
      return picture();
  }
}

const oversizeBytes = 256 * 2 ** 20;

/** Sends zeros as fast as they are taken, up to 256 MiB. */
function pour(response: ServerResponse, headers: Record<string, string>): void {
  response.writeHead(200, { "content-type": "image/jpeg", ...headers });
  response.write(jpegStart);
  const part = Buffer.alloc(1 << 16);
  let left = oversizeBytes - jpegStart.length;
  const more = () => {
    while (left > 0 && !response.destroyed) {
      const size = Math.min(part.length, left);
      left -= size;
      if (!response.write(part.subarray(0, size))) return void response.once("drain", more);
    }
    response.end();
  };
  more();
}
