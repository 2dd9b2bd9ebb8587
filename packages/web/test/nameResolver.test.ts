import { expect, it } from "vitest";
import { nameResolver, type DnsQueries } from "../src/dns/nameResolver.js";
import { parseHostsFile } from "../src/dns/parseHostsFile.js";

const failing = (code: string) => Promise.reject(Object.assign(new Error(code), { code }));
let asked: string[] = [];
let now = 0;
function resolver(four: DnsQueries["resolve4"], six: DnsQueries["resolve6"] = () => failing("ENODATA")) {
  asked = [];
  now = 0;
  const counted =
    (name: string, query: DnsQueries["resolve4"]): DnsQueries["resolve4"] =>
    (host) => {
      asked.push(`${name} ${host}`);
      return query(host);
    };
  const queries = { resolve4: counted("A", four), resolve6: counted("AAAA", six) };
  return nameResolver({ queries, hostsFile: "/nonexistent", nowMs: () => now });
}

it("both families are asked, IPv4 comes first", async () => {
  const dns = resolver(
    async () => [{ address: "1.2.3.4", ttl: 60 }],
    async () => [{ address: "2606::1", ttl: 60 }],
  );
  expect(await dns.resolve("Example.com")).toEqual({ ok: true, addresses: ["1.2.3.4", "2606::1"] });
  expect(asked.sort()).toEqual(["A example.com", "AAAA example.com"]);
});

it("one family is enough; a slow AAAA isn't waited for", async () => {
  const only6 = resolver(
    () => failing("ENODATA"),
    async () => [{ address: "2606::1", ttl: 60 }],
  );
  expect(await only6.resolve("a.test")).toMatchObject({ addresses: ["2606::1"] });
  const slow6 = resolver(
    async () => [{ address: "1.2.3.4", ttl: 60 }],
    () => new Promise(() => undefined),
  );
  expect(await slow6.resolve("a.test")).toMatchObject({ addresses: ["1.2.3.4"] });
});

it("an answer is kept for its TTL, a dead name for minutes, a failure briefly", async () => {
  const cases: [DnsQueries["resolve4"], number, boolean][] = [
    [async () => [{ address: "1.2.3.4", ttl: 120 }], 119_000, true],
    [async () => [{ address: "1.2.3.4", ttl: 120 }], 121_000, false],
    [async () => [{ address: "1.2.3.4", ttl: 0 }], 29_000, true],
    [async () => [{ address: "1.2.3.4", ttl: 999_999 }], 3_601_000, false],
    [() => failing("ENOTFOUND"), 299_000, true],
    [() => failing("ESERVFAIL"), 14_000, true],
    [() => failing("ESERVFAIL"), 16_000, false],
  ];
  for (const [query, later, cached] of cases) {
    const dns = resolver(query);
    await dns.resolve("a.test");
    now = later;
    await dns.resolve("a.test");
    expect(asked).toHaveLength(cached ? 2 : 4);
  }
});

it("many that ask for one name at once cause one query of each family", async () => {
  const dns = resolver(async () => [{ address: "1.2.3.4", ttl: 60 }]);
  await Promise.all(Array.from({ length: 50 }, () => dns.resolve("a.test")));
  expect(asked).toHaveLength(2);
});

it("a name that doesn't exist and a server that doesn't answer are told apart", async () => {
  expect(await resolver(() => failing("ENOTFOUND")).resolve("a.test")).toMatchObject({
    reason: "dns_not_found",
  });
  expect(await resolver(() => failing("ETIMEOUT")).resolve("a.test")).toMatchObject({ reason: "dns_failed" });
  expect(
    await resolver(
      () => failing("ENODATA"),
      () => failing("ESERVFAIL"),
    ).resolve("a.test"),
  ).toMatchObject({
    reason: "dns_failed",
  });
});

it("reserved names and literals need no name server", async () => {
  const dns = resolver(() => failing("ESERVFAIL"));
  expect(await dns.resolve("host7.invalid")).toMatchObject({ reason: "dns_not_found" });
  expect(await dns.resolve(`${"a".repeat(64)}.test`)).toMatchObject({ reason: "dns_not_found" });
  expect(await dns.resolve("api.localhost")).toMatchObject({ addresses: ["127.0.0.1", "::1"] });
  expect(await dns.resolve("10.1.2.3")).toMatchObject({ addresses: ["10.1.2.3"] });
  expect(await dns.resolve("::ffff:7f00:1")).toMatchObject({ addresses: ["127.0.0.1"] });
  expect(asked).toEqual([]);
});

it("the hosts file is read as hosts(5) says", () => {
  const hosts = parseHostsFile("# x\n::1 localhost six\n127.0.0.1\tlocalhost Box.test # box\nnonsense a\n");
  expect(Object.fromEntries(hosts)).toEqual({
    localhost: ["127.0.0.1", "::1"],
    six: ["::1"],
    "box.test": ["127.0.0.1"],
  });
});
