import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { createServer as createPlain, type AddressInfo } from "node:net";
import { join } from "node:path";
import { webSettings } from "@pairloom/config";
import { afterEach, expect, it } from "vitest";
import { openWeb } from "../src/openWeb.js";

const pem = (name: string): string =>
  readFileSync(join(import.meta.dirname, "certificates", `${name}.pem`), "utf8");
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function ask(server: Server | ReturnType<typeof createPlain>, host = "good.test") {
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const web = openWeb({
    settings: webSettings.parse({
      allowPrivate: ["127.0.0.0/8"],
      obeyRobots: false,
      obeyOptOuts: false,
      hostGapMs: 0,
      addressGapMs: 0,
      retries: 0,
      timeoutMs: 5000,
    }),
    ca: [pem("authority")],
    resolver: { resolve: async () => ({ ok: true, addresses: ["127.0.0.1"] }) },
  });
  closing.push(() => web.close());
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return web.getImage(`https://${host}:${(server.address() as AddressInfo).port}/a.jpg`);
}
const served = (certificate: string) =>
  createServer({ key: pem("key"), cert: pem(certificate) }, (_req, res) => res.end("x"));

it.each([
  ["good", "ok", ""],
  ["selfSigned", "tls_untrusted", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ["expired", "tls_expired", "CERT_HAS_EXPIRED"],
  ["otherHost", "tls_wrong_host", "ERR_TLS_CERT_ALTNAME_INVALID"],
])("the certificate %s is %s", async (certificate, reason, said) => {
  const answer = await ask(served(certificate));
  expect(answer.status === "ok" ? "ok" : answer.reason).toBe(reason);
  if (answer.status !== "ok") expect(answer).toMatchObject({ status: "failed", httpStatus: null });
  if (answer.status !== "ok") expect(answer.errorMessage).toContain(said);
});

it("a certificate is checked against the name, not against the address that was dialled", async () => {
  expect(await ask(served("good"), "elsewhere.test")).toMatchObject({ reason: "tls_wrong_host" });
});

it("a port that speaks no TLS is tls_failed", async () => {
  const plain = createPlain((socket) => {
    socket.on("error", () => undefined);
    socket.resume().end("HTTP/1.1 200 OK\r\n\r\n");
  });
  expect(await ask(plain)).toMatchObject({ status: "failed", reason: "tls_failed" });
});

it("TLS versions before 1.2 are tls_failed", async () => {
  const old = createServer({
    key: pem("key"),
    cert: pem("good"),
    minVersion: "TLSv1",
    maxVersion: "TLSv1.1",
    ciphers: "DEFAULT:@SECLEVEL=0",
  });
  expect(await ask(old)).toMatchObject({ reason: "tls_failed" });
});
