import type { Road } from "@pairloom/queue";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startMonitor, type Monitor } from "../src/startMonitor.js";
import { emptyProject, openTestRoad } from "./openTestRoad.js";

const token = "Zm9v+/=& %";
let opened: Awaited<ReturnType<typeof openTestRoad>>;
let road: Road;
let monitor: Monitor;
beforeAll(async () => {
  opened = await openTestRoad();
  road = opened.road;
  monitor = await startMonitor(emptyProject(road), road, { host: "127.0.0.1", port: 0, token });
}, 120_000);
afterAll(async () => {
  await monitor?.close();
  await opened?.close();
});

const ask = (path: string, headers: Record<string, string> = {}, more: RequestInit = {}) =>
  fetch(new URL(path, monitor.url), { headers, redirect: "manual", ...more });
const browser = { accept: "text/html,application/xhtml+xml", "sec-fetch-site": "none" };
const withToken = (path: string) =>
  `${path}${path.includes("?") ? "&" : "?"}token=${encodeURIComponent(token)}`;
const cookieOf = (answer: Response) => /^([^;]+)/.exec(answer.headers.get("set-cookie") ?? "")?.[1] ?? "";
const session = async () => cookieOf(await ask(withToken("/"), browser));

describe("a page opened with ?token=", () => {
  it("sends to the same address without it, with a cookie that no script and no other site can use", async () => {
    const answer = await ask(withToken("/queues?page=2"), browser);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe("/queues?page=2");
    expect(answer.headers.get("set-cookie")).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("referrer-policy")).toBe("same-origin");
    expect(JSON.stringify([...answer.headers])).not.toContain(token);
  });

  it("never sends to another host", async () => {
    const address = `${monitor.url}${withToken("/evil.example/x")}`; // its path begins with two slashes
    const answer = await fetch(address, { headers: browser, redirect: "manual" });
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location") ?? "/").toMatch(/^\/(?!\/)/);
  });

  it("opens every part by that cookie: the page, its modules, the API, its events, bull-board", async () => {
    const cookie = await session();
    for (const path of [
      "/",
      "/assets/main.js",
      "/assets/dashboard.css",
      "/vendor/preact.js",
      "/api/status",
      "/api/events",
      "/api/metrics",
      "/queues",
    ]) {
      const stop = new AbortController();
      expect((await ask(path, { cookie }, { signal: stop.signal })).status, path).toBe(200);
      stop.abort();
    }
  });

  it("a cookie is not the token, and the token is no cookie", async () => {
    expect(await session()).not.toContain(encodeURIComponent(token));
    const forged = `pairloom_session=${encodeURIComponent(token)}`;
    expect((await ask("/api/status", { cookie: forged })).status).toBe(401);
  });
});

describe("without the token", () => {
  it.each([["/"], ["/?token=wrong"], ["/?token="], ["/queues"], ["/nothing"]])(
    "%s shows a page that asks for it",
    async (path) => {
      const answer = await ask(path, browser);
      expect(answer.status).toBe(401);
      expect(answer.headers.get("content-type")).toMatch(/^text\/html/);
      const page = await answer.text();
      expect(page).toContain('name="token"');
      expect(page.includes("That is not the token")).toBe(path.includes("?"));
      expect(answer.headers.get("set-cookie")).toBeNull();
    },
  );

  it("programs get JSON that says how", async () => {
    for (const path of ["/api/status", "/api/status?token=wrong", "/assets/main.js"]) {
      const answer = await ask(path);
      expect(answer.status).toBe(401);
      const { error } = (await answer.json()) as { error: { code: string; hint: string } };
      expect(error.code).toBe("token_wrong");
      expect(error.hint).toContain("Authorization: Bearer");
    }
  });

  it.each([
    [`Bearer ${token}`, 200],
    [`bearer  ${token}`, 200],
    ["Bearer wrong", 401],
    ["Bearer", 401],
    [token, 401],
    [`Basic ${Buffer.from(`x:${token}`).toString("base64")}`, 401],
  ])("authorization: %s → %i", async (authorization, status) => {
    expect((await ask("/api/status", { authorization })).status).toBe(status);
  });

  it("a proxy's own Basic authorization doesn't shut out who has a session", async () => {
    const cookie = await session();
    expect((await ask("/api/status", { cookie, authorization: "Basic eDp5" })).status).toBe(200);
  });
});

describe("the form", () => {
  const login = (body: string, headers: Record<string, string> = {}) =>
    ask(
      "/login",
      { "content-type": "application/x-www-form-urlencoded", ...browser, ...headers },
      { method: "POST", body },
    );

  it("opens the dashboard, or is shown again", async () => {
    const right = await login(new URLSearchParams({ token }).toString());
    expect([right.status, right.headers.get("location")]).toEqual([303, "/"]);
    expect((await ask("/api/status", { cookie: cookieOf(right) })).status).toBe(200);
    for (const body of ["token=wrong", "", "%%%", "token"]) {
      const wrong = await login(body);
      expect(wrong.status).toBe(401);
      expect(await wrong.text()).toContain("That is not the token");
    }
  });

  it("takes no large body, and nothing from another site", async () => {
    expect((await login(`token=${"x".repeat(10_000)}`)).status).toBe(413);
    const right = new URLSearchParams({ token }).toString();
    expect((await login(right, { origin: "http://evil.example" })).status).toBe(403);
  });
});

describe("who writes with a cookie", () => {
  it.each([
    [{ origin: "http://evil.example" }, 403],
    [{ origin: "null" }, 403],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "same-site" }, 403],
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{}, 200],
  ])("%j → %i", async (headers, status) => {
    const cookie = await session();
    for (const path of ["/api/queues/fetcher/pause", "/api/queues/fetcher/resume"])
      expect((await ask(path, { cookie, ...headers }, { method: "POST" })).status).toBe(status);
    const other = new URL(monitor.url);
    other.port = "1";
    expect(
      (await ask("/api/jobs/retry-failed", { cookie, origin: other.origin }, { method: "POST" })).status,
    ).toBe(403);
    const own = await ask(
      "/api/jobs/retry-failed",
      { cookie, origin: new URL(monitor.url).origin },
      { method: "POST" },
    );
    expect(own.status).toBe(200);
  });
});
