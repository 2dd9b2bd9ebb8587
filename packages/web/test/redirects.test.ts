import { webSettings, type WebSettings } from "@pairloom/config";
import { afterEach, describe, expect, it } from "vitest";
import { openWeb } from "../src/openWeb.js";
import { rawServer, type RawServer } from "./rawServer.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const utf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
const head = (...lines: string[]): string =>
  [...lines, "Content-Length: 0", "Connection: close", "", ""].join("\r\n");
const to = (location: string, status = "302 Found"): string =>
  head(`HTTP/1.1 ${status}`, `Location: ${location}`);
const loosely = (location: string): string => `HTTP/1.1 302 Found\nLocation : ${location}\n\n`;

/** Asks for /from/here?a, which answers so; everything else is a picture that bears its path. */
async function follow(
  answer: string | ((server: RawServer) => string),
  more: Record<string, string> = {},
  settings: Partial<WebSettings> = {},
) {
  const routes: Record<string, string> = { ...more };
  const server = await rawServer(
    new Proxy(routes, {
      get: (own, path: string) => own[path] ?? "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx",
    }),
  );
  routes["/from/here?a"] = typeof answer === "string" ? answer : answer(server);
  const web = openWeb({
    settings: webSettings.parse({
      allowPrivate: ["127.0.0.0/8"],
      obeyRobots: false,
      obeyOptOuts: false,
      hostGapMs: 0,
      addressGapMs: 0,
      retries: 0,
      ...settings,
    }),
  });
  closing.push(
    () => web.close(),
    () => server.close(),
  );
  const got = await web.getImage(server.url("/from/here?a"));
  const path = got.finalUrl?.replace(server.url(""), "") ?? null;
  return {
    outcome: got.status === "ok" ? path : got.reason,
    asked: server.asked.map((one) => one.path),
    server,
  };
}

describe("the bytes of a Location", () => {
  it.each([
    ["UTF-8", utf8("/café.png"), "/caf%C3%A9.png"],
    ["Latin-1", "/caf\xe9.png", "/caf%E9.png"],
    ["Shift_JIS, in which a byte is a circumflex", "/\x8e\xca\x90\x5e.png", "/%8E%CA%90^.png"],
    ["in the query", utf8("/x?q=é"), "/x?q=%C3%A9"],
    ["Latin-1 in the query", "/x?q=\xe9&r", "/x?q=%E9&r"],
    ["escaped and not", utf8("/%C3%A9/é"), "/%C3%A9/%C3%A9"],
    ["blanks", "/my photo.png", "/my%20photo.png"],
    ["blanks and tabs around", " \t/x.png \t", "/x.png"],
    ["tabs within", "/a\tb.png", "/ab.png"],
    ["a path beside", "x.png", "/from/x.png"],
    ["a path above", "../x.png", "/x.png"],
    ["a query alone", "?to=x", "/from/here?to=x"],
    ["a fragment", "/x.png#top", "/x.png"],
    ["backslashes", "\\sub\\x.png", "/sub/x.png"],
    ["quotes, which are part of it", '"/sub/x.png"', "/from/%22/sub/x.png%22"],
    ["a lone per cent sign", "/100%.png", "/100%.png"],
    ["an ampersand as in HTML", "/q?a=1&amp;b=2", "/q?a=1&amp;b=2"],
  ])("%s", async (_name, location, path) => {
    const normal = (url: string | null): string | null => url?.replace("%5E", "^") ?? null;
    for (const answer of [to(location), loosely(location)]) {
      const { outcome, asked } = await follow(answer);
      expect(normal(outcome)).toBe(path);
      expect(normal(asked.at(-1) ?? null)).toBe(path);
    }
  });
  it("name other hosts, with and without a scheme", async () => {
    for (const scheme of ["", "http:", "HTTP:"]) {
      const { outcome } = await follow(({ port }) => to(`${scheme}//127.0.0.1:${port}/x.png`));
      expect(outcome).toBe("/x.png");
    }
    expect((await follow(to(utf8("http://ünder.invalid/x")))).outcome).toBe("dns_not_found");
    expect((await follow(to("http://\xfcnder.invalid/x"))).outcome).toBe("url_invalid");
    expect((await follow(to("http://10.0.0.1/caf\xe9"))).outcome).toBe("address_private");
  });
});

describe("a redirect", () => {
  it.each(["300 Multiple", "301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"])(
    "%s is followed",
    async (status) => expect((await follow(to("/x.png", status))).outcome).toBe("/x.png"),
  );
  it.each(["304 Not Modified", "305 Proxy", "399 What"])("%s is none", async (status) => {
    expect((await follow(to("/x.png", status))).outcome).toBe("http_other");
  });
  it("with two equal Locations is followed, with two that differ it is not", async () => {
    const two = (second: string) => head("HTTP/1.1 302 Found", "Location: /x.png", `Location: ${second}`);
    expect((await follow(two("/x.png"))).outcome).toBe("/x.png");
    expect(await follow(two("/y.png"))).toMatchObject({ outcome: "http_other", asked: ["/from/here?a"] });
  });
  it.each(["", "   ", "#top"])("to %j leads nowhere new", async (location) => {
    const { outcome, asked } = await follow(to(location));
    expect(outcome).toMatch(/http_other|redirect_limit/);
    expect(asked).toHaveLength(1);
  });
  it("that leads back ends, and so does a chain beyond browsers' twenty", async () => {
    expect(await follow(to("here?a"))).toMatchObject({ outcome: "redirect_limit", asked: ["/from/here?a"] });
    const chain = (hops: number) =>
      follow(
        to("/1"),
        Object.fromEntries(Array.from({ length: hops - 1 }, (_, i) => [`/${i + 1}`, to(`/${i + 2}`)])),
      );
    expect((await chain(20)).outcome).toBe("/20");
    expect((await chain(21)).outcome).toBe("redirect_limit");
  });
  it("of a body keeps none of it", async () => {
    const body =
      "HTTP/1.1 301 Moved\r\nLocation: /x.png\r\nContent-Length: 9\r\nConnection: close\r\n\r\n<a>go</a>";
    expect((await follow(body)).outcome).toBe("/x.png");
  });
});
