import type { ChildProcess } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSmallRelease } from "../../packages/training/test/smallRelease.js";
import { dashboardUrl, pairloom, startPairloom } from "../road/pairloom.js";
import { chromiumMissing, openChromium } from "./chromium.js";

if (chromiumMissing !== null) console.log(`skipped: ${chromiumMissing}`);
/** Where to leave pictures of the pages, if anywhere. */
const pictures = process.env["PAIRLOOM_SCREENSHOT_FOLDER"];
const token = "long & random+text/with=signs?";

describe.skipIf(chromiumMissing !== null)(
  "the dashboard with a token, on a project without anything fetched",
  () => {
    let folder: string;
    let up: ChildProcess;
    let said = "";
    let url: string;
    let browser: Browser;
    const problems: string[] = [];

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "pairloom-token-"));
      const dir = join(folder, "data");
      await mkdir(dir);
      await writeFile(join(dir, "pairloom.json"), JSON.stringify({ project: "token", sources: [] }));
      // Opened first: a Redis that holds nothing of a project with releases would count as one that lost its data.
      expect((await pairloom(["status", "--dir", dir])).code).toBe(0);
      await mkdir(join(dir, "releases"));
      await mkdir(join(dir, "requests"));
      const made = await makeSmallRelease();
      // by the order of names the held-out one stands first
      for (const [name, side] of [
        ["a-held-out", "held_out"],
        ["train", "train"],
      ] as const) {
        await cp(made.release, join(dir, "releases", name), { recursive: true });
        await writeFile(join(dir, "releases", name, "datacard.json"), JSON.stringify({ settings: { side } }));
        await writeFile(join(dir, "requests", `${name}.jsonl.gz`), "");
      }
      await rm(made.folder, { recursive: true });
      up = startPairloom(["up", "--dir", dir, "--port", "0", "--verbose"], { PAIRLOOM_TOKEN: token });
      for (const stream of [up.stdout, up.stderr]) stream?.on("data", (chunk) => (said += String(chunk)));
      url = await dashboardUrl(up);
      browser = await openChromium();
    });

    afterAll(async () => {
      await browser?.close();
      if (up?.exitCode === null) {
        const ended = new Promise((resolve) => up.on("close", resolve));
        up.kill("SIGTERM");
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    });

    const openPage = async (): Promise<Page> => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
      const page = await context.newPage();
      page.on("pageerror", (error) => problems.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error") problems.push(message.text());
      });
      return page;
    };
    const shoot = async (page: Page, name: string) => {
      if (pictures !== undefined)
        await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    };
    const withToken = () => `${url}?token=${encodeURIComponent(token)}`;
    const isOpen = (page: Page) => page.getByText("the road is empty").waitFor({ timeout: 30_000 });

    it("the address with ?token= opens the page, and the token is gone from the address", async () => {
      const page = await openPage();
      await page.goto(withToken());
      await isOpen(page);
      expect(page.url()).toBe(url);
      await page.getByText("Nothing is here yet").waitFor();
      await shoot(page, "empty");
      await page.reload();
      await isOpen(page);
      expect(await page.evaluate("document.cookie")).toBe("");
      expect(await page.evaluate('fetch("/api/status").then((answer) => answer.status)')).toBe(200);
      expect(problems).toEqual([]); // of our own pages: bull-board's asks for a font of another host
      await page.goto(new URL("/queues", url).href);
      await page.getByText("fetcher").first().waitFor({ timeout: 30_000 });
      await page.goBack();
      expect(page.url()).toBe(url);
      await isOpen(page);
      await page.context().close();
    });

    it("bull-board's address with ?token= opens too", async () => {
      const page = await openPage();
      await page.goto(`${url}queues?token=${encodeURIComponent(token)}`);
      await page.getByText("fetcher").first().waitFor({ timeout: 30_000 });
      expect(page.url()).not.toContain("token");
      await page.context().close();
    });

    it("without the token, or with a wrong one, a page asks for it and lets in who has it", async () => {
      const page = await openPage();
      await page.goto(url);
      await page.getByText("PAIRLOOM_TOKEN").waitFor();
      await shoot(page, "login");
      await page.goto(`${url}?token=wrong`);
      await page.getByText("That is not the token.").waitFor();
      await page.getByLabel("Token").fill("still wrong");
      await page.getByRole("button", { name: "Open the dashboard" }).click();
      await page.getByText("That is not the token.").waitFor();
      await shoot(page, "login-wrong");
      await page.getByLabel("Token").fill(token);
      await page.getByRole("button", { name: "Open the dashboard" }).click();
      await isOpen(page);
      expect(page.url()).toBe(url);
      await page.context().close();
    });

    it("who loses the session is asked for the token again", async () => {
      const page = await openPage();
      await page.goto(withToken());
      await isOpen(page);
      await page.context().clearCookies();
      await page.getByLabel("Token").waitFor({ timeout: 30_000 });
      await page.context().close();
    });

    it("a training is launched on what may be trained on; the held-out release is there to evaluate on", async () => {
      const page = await openPage();
      await page.goto(withToken());
      await page.waitForFunction('document.querySelector("select[name=release] option") !== null');
      const offered = (name: string) => page.locator(`select[name=${name}] option`).allInnerTexts();
      expect(await offered("release")).toEqual(["train"]);
      expect(await offered("evaluateOn")).toEqual(["training pairs", "a-held-out"]);
      await page.getByText("held out, for evaluations").waitFor();
      await page.getByLabel("Evaluate on").selectOption("a-held-out");
      await page.getByLabel("Steps", { exact: true }).fill("2");
      await page.getByLabel("Batch size").fill("8");
      await page.getByLabel("Engine").selectOption("wasm");
      await shoot(page, "launch");
      await page.getByLabel("Device").fill("gpu:99");
      await page.getByRole("button", { name: "Launch training" }).click();
      await page.getByText("Training setting `device`").waitFor();
      await page.getByLabel("Device").fill("");
      await page.getByRole("button", { name: "Launch training" }).click();
      await page.getByText("run-0001 is queued").waitFor();
      const run = await page.evaluate<{ given: { data: string; evaluateData: string } }>(
        'fetch("/api/runs/run-0001").then((answer) => answer.json())',
      );
      expect(run.given).toMatchObject({ data: "releases/train", evaluateData: "releases/a-held-out" });
      await page.getByText("finished").first().waitFor({ timeout: 120_000 });
      await page.context().close();
    });

    it("the token stands in nothing that the processes said", () => {
      expect(said).toContain("Dashboard:");
      for (const form of [token, encodeURIComponent(token)]) expect(said).not.toContain(form);
    });
  },
);
