import { webSettings } from "@pairloom/config";
import { afterEach, expect, it } from "vitest";
import { nameResolver } from "../src/dns/nameResolver.js";
import { openWeb } from "../src/openWeb.js";
import { fakeNameServer, type Said } from "./fakeNameServer.js";
import { misbehavingServer } from "./misbehavingServer.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
async function nameServer(say: (name: string, type: "A" | "AAAA") => Said | Promise<Said>) {
  const server = await fakeNameServer(say);
  closing.push(() => server.close());
  return server;
}
const resolverAt = (...servers: string[]) => nameResolver({ servers, hostsFile: "/nonexistent" });

it("asks for both families once, for however many that wait, and keeps the answer", async () => {
  const server = await nameServer(() => ({ addresses: ["192.0.2.7", "2001:db8::7"], ttl: 300 }));
  const dns = resolverAt(server.address);
  const answers = await Promise.all(Array.from({ length: 200 }, () => dns.resolve("pictures.test")));
  answers.push(await dns.resolve("PICTURES.test"));
  for (const answer of answers) expect(answer).toEqual({ ok: true, addresses: ["192.0.2.7", "2001:db8::7"] });
  expect(server.asked.sort()).toEqual(["A pictures.test", "AAAA pictures.test"]);
});

it("a dead name fails at the first NXDOMAIN, is kept, and one that AAAA alone denies is alive", async () => {
  const server = await nameServer((name, type) =>
    name === "odd.test" && type === "A" ? { addresses: ["192.0.2.1"] } : { code: "NXDOMAIN" },
  );
  const dns = resolverAt(server.address);
  const startedMs = performance.now();
  expect(await dns.resolve("gone.test")).toMatchObject({ reason: "dns_not_found" });
  expect(performance.now() - startedMs).toBeLessThan(500);
  await dns.resolve("gone.test");
  expect(server.asked.filter((asked) => asked === "A gone.test")).toHaveLength(1);
  expect(await dns.resolve("odd.test")).toEqual({ ok: true, addresses: ["192.0.2.1"] });
});

it("a dead name doesn't wait for a silent AAAA", async () => {
  const server = await nameServer((_name, type) => (type === "A" ? { code: "NXDOMAIN" } : "silence"));
  const startedMs = performance.now();
  expect(await resolverAt(server.address).resolve("gone.test")).toMatchObject({ reason: "dns_not_found" });
  expect(performance.now() - startedMs).toBeLessThan(1000);
});

it("the next name server is asked where the first fails", async () => {
  const broken = await nameServer(() => ({ code: "SERVFAIL" }));
  const good = await nameServer(() => ({ addresses: ["192.0.2.1"] }));
  expect(await resolverAt(broken.address, good.address).resolve("a.test")).toMatchObject({ ok: true });
  expect(await resolverAt(broken.address).resolve("a.test")).toMatchObject({ reason: "dns_failed" });
});

it("a silent name server is given up after the deadline", async () => {
  const server = await nameServer(() => "silence");
  const dns = nameResolver({ servers: [server.address], hostsFile: "/nonexistent", deadlineMs: 300 });
  const startedMs = performance.now();
  expect(await dns.resolve("a.test")).toMatchObject({
    reason: "dns_failed",
    errorMessage: "name server: ETIMEOUT",
  });
  expect(performance.now() - startedMs).toBeLessThan(1500);
});

it("no more names are asked for at once than the limit", async () => {
  let now = 0;
  let most = 0;
  const server = await nameServer(async (_name, type) => {
    if (type === "AAAA") return { addresses: [] };
    most = Math.max(most, ++now);
    await new Promise((resolve) => setTimeout(resolve, 5));
    now--;
    return { addresses: ["192.0.2.1"] };
  });
  const dns = nameResolver({ servers: [server.address], hostsFile: "/nonexistent", maxLookups: 4 });
  await Promise.all(Array.from({ length: 40 }, (_, i) => dns.resolve(`h${i}.test`)));
  expect(most).toBeLessThanOrEqual(4);
  expect(server.asked).toHaveLength(80);
});

function web(dns: string, extra: { allowPrivate?: string[] } = {}) {
  const opened = openWeb({
    settings: webSettings.parse({
      allowPrivate: ["127.0.0.1/32"],
      dnsServers: [dns],
      obeyRobots: false,
      obeyOptOuts: false,
      hostGapMs: 0,
      addressGapMs: 0,
      retries: 0,
      timeoutMs: 3000,
      ...extra,
    }),
  });
  closing.push(() => opened.close());
  return opened;
}

it("of public, private and allowed addresses in one answer only the allowed is connected to", async () => {
  const pictures = await misbehavingServer();
  closing.push(() => pictures.close());
  // 127.0.0.2 listens as well and isn't allowed.
  const dns = await nameServer(() => ({
    addresses: ["127.0.0.2", "10.0.0.1", "127.0.0.1", "::1", "fd00::1"],
  }));
  const answer = await web(dns.address).getImage(`http://mixed.test:${pictures.port}/ok.jpg`);
  expect(answer.status).toBe("ok");
  expect(pictures.asked.map(({ reachedAt }) => reachedAt)).toEqual(["127.0.0.1"]);
});

it("a name that turns private after it was checked is connected to where it was checked", async () => {
  const pictures = await misbehavingServer();
  closing.push(() => pictures.close());
  let times = 0;
  const dns = await nameServer((_name, type) =>
    type === "A" ? { addresses: [times++ === 0 ? "127.0.0.1" : "127.0.0.2"], ttl: 0 } : { addresses: [] },
  );
  const opened = web(dns.address);
  for (let i = 0; i < 3; i++) {
    expect((await opened.getImage(`http://rebind.test:${pictures.port}/ok.jpg`)).status).toBe("ok");
  }
  expect(new Set(pictures.asked.map(({ reachedAt }) => reachedAt))).toEqual(new Set(["127.0.0.1"]));
  expect(times).toBe(1);
});

it("of two families the one that answers is used, though the other is tried first", async () => {
  const pictures = await misbehavingServer();
  closing.push(() => pictures.close());
  // Nobody listens at 127.0.0.1 of IPv6 here; the server has IPv4 alone.
  const dns = await nameServer((_name, type) => ({ addresses: [type === "A" ? "127.0.0.1" : "::1"] }));
  const opened = web(dns.address, { allowPrivate: ["127.0.0.1/32", "::1/128"] });
  expect((await opened.getImage(`http://both.test:${pictures.port}/ok.jpg`)).status).toBe("ok");
});

it("a name's many dead addresses cost six connections at most, side by side", async () => {
  const dead = Array.from({ length: 200 }, (_, i) => `127.1.0.${i + 1}`);
  const dns = await nameServer((_name, type) => ({ addresses: type === "A" ? dead : [] }));
  const startedMs = performance.now();
  const opened = web(dns.address, { allowPrivate: ["127.0.0.0/8"] });
  expect(await opened.getImage("http://many.test:9/ok.jpg")).toMatchObject({ reason: "connect_failed" });
  expect(performance.now() - startedMs).toBeLessThan(2500);
});
