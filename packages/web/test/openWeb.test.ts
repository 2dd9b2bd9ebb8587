import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { webSettings } from "@pairloom/config";
import { expect, it } from "vitest";
import { openWeb } from "../src/openWeb.js";

it("an image is fetched", async () => {
  const server = createServer((req, res) => {
    if (req.url === "/a.jpg") res.writeHead(200, { "content-type": "image/jpeg" }).end("abc");
    else res.writeHead(404).end("no");
  }).listen(0, "127.0.0.1");
  await new Promise((r) => server.once("listening", r));
  const web = openWeb({
    settings: webSettings.parse({ allowPrivate: ["127.0.0.0/8"], hostGapMs: 0, addressGapMs: 0 }),
  });
  const answer = await web.getImage(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a.jpg`);
  expect(answer).toMatchObject({ status: "ok", contentType: "image/jpeg", httpStatus: 200 });
  await web.close();
  server.close();
});
