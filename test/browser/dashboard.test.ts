import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import type { ChildProcess } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDemoWeb, type DemoWeb } from "@pairloom/sources";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { crawlSettings } from "../faults/crawlSettings.js";
import { dashboardUrl, startPairloom } from "../road/pairloom.js";
import { chromiumMissing, openChromium } from "./chromium.js";

if (chromiumMissing !== null) console.log(`skipped: ${chromiumMissing}`);
/** Where to leave a picture of the dashboard, if anywhere. */
const picture = process.env["PAIRLOOM_SCREENSHOT"];

describe.skipIf(chromiumMissing !== null)("the dashboard in a browser", () => {
  let folder: string;
  let web: DemoWeb;
  let up: ChildProcess;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pairloom-browser-"));
    web = await startDemoWeb({ seed: 5, scale: 0.1 });
    const dir = join(folder, "data");
    await mkdir(dir);
    await writeFile(join(dir, "pairloom.json"), JSON.stringify({ ...crawlSettings(web), sources: [] }));
    up = startPairloom(["up", "--dir", dir, "--port", "0"]);
    const url = await dashboardUrl(up);
    browser = await openChromium();
    page = await browser.newPage({ viewport: { width: 1280, height: 1250 } });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    await page.goto(url);
  });

  afterAll(async () => {
    await browser?.close();
    if (up !== undefined) {
      const ended = new Promise((resolve) => up.on("close", resolve));
      up.kill("SIGTERM");
      await ended;
    }
    await web?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Launches a training on wasm by the form. */
  const launch = async (fields: Record<string, string>) => {
    for (const [label, value] of Object.entries(fields))
      await page.getByLabel(label, { exact: true }).fill(value);
    await page.getByLabel("Engine").selectOption("wasm");
    await page.getByRole("button", { name: "Launch training" }).click();
  };
  const row = (run: string) =>
    page.locator("tr", { has: page.getByRole("button", { name: run, exact: true }) });
  const stepShown = () => page.locator('[role="progressbar"]').getAttribute("aria-valuenow").then(Number);
  const stepReached = (step: number) =>
    page.waitForFunction(
      `Number(document.querySelector('[role="progressbar"]')?.getAttribute("aria-valuenow")) >= ${step}`,
      undefined,
      { timeout: 90_000 },
    );

  it("says what is missing where a query list has no source", async () => {
    await page.getByLabel("Queries, one a line").fill("red star");
    await page.getByRole("button", { name: "Put on the road" }).click();
    await page.getByText("No source is switched on").waitFor();
    problems.length = 0; // the browser reports the refused request as an error
  });

  it("seeds a query list and shows the funnel fill", async () => {
    await page
      .getByLabel("Queries, one a line")
      .fill("red star\nblue circle\ngreen square\nyellow triangle\npink cross");
    await page.getByLabel("Search API").fill(web.searchUrl);
    await page.getByRole("button", { name: "Put on the road" }).click();
    await page.getByText("5 queries are on the road").waitFor();
    await page.waitForFunction(
      'Number(document.querySelector(".bar.seen .count")?.textContent) > 50',
      undefined,
      { timeout: 120_000 },
    );
    await page.getByText("the road is empty").waitFor({ timeout: 120_000 });
  });

  it("makes a release and launches a training on it", async () => {
    await page.getByLabel("Name (or the next number)").fill("first");
    await page.getByRole("button", { name: "Make a release" }).click();
    await page.locator("td", { hasText: "first" }).waitFor();
    await page.waitForFunction('document.querySelector("select[name=release] option") !== null', undefined, {
      timeout: 60_000,
    });
    await launch({ Steps: "30", "Batch size": "16", "Evaluate every": "10" });
    await page.getByText("run-0001 is queued").waitFor();
    await row("run-0001").getByText("finished").waitFor({ timeout: 180_000 });
  });

  it("shows the run's curves, its recall and what the model finds for its pictures", async () => {
    const view = page.getByRole("article", { name: "Run run-0001" });
    for (const title of ["loss", "learning rate", "gradient norm", "recall, on training pairs"])
      await view.getByRole("figure", { name: title, exact: true }).waitFor();
    await page.waitForFunction('document.querySelectorAll(".samples img").length === 6');
    await page.waitForFunction(
      '[...document.querySelectorAll(".samples img")].every((image) => image.naturalWidth > 0)',
    );
    expect(await view.getByLabel("Step of the samples").locator("option").allInnerTexts()).toEqual([
      "10",
      "20",
      "30",
    ]);
    await view.getByText("Log", { exact: true }).click();
    await view.getByText("step 30/30").waitFor();
    const chart = view.getByRole("figure", { name: "loss", exact: true });
    await chart.locator(".u-over").hover();
    const value = chart.locator(".u-legend .u-value").last();
    await expect.poll(() => value.innerText()).toMatch(/^\d/);
    if (picture !== undefined) await page.screenshot({ path: picture, fullPage: true });
  });

  it("hands out the checkpoint", async () => {
    const link = page.getByRole("link", { name: /step-000030\.safetensors/ });
    await link.waitFor({ timeout: 30_000 });
    const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
    const path = join(folder, "got.safetensors");
    await download.saveAs(path);
    expect((await stat(path)).size).toBeGreaterThan(1_000_000);
    expect((await readFile(path)).readBigUInt64LE(0)).toBeLessThan(1_000_000n); // the length of a safetensors header
  });

  it("shows a curve move, pauses the run, and resumes it where it was", async () => {
    await launch({ Steps: "3000", "Batch size": "16", "Evaluate every": "1000" });
    const view = page.getByRole("article", { name: "Run run-0002" });
    await view.getByText("running", { exact: true }).waitFor({ timeout: 60_000 });
    await stepReached(3);
    await stepReached((await stepShown()) + 3);
    await view.getByRole("button", { name: "pause" }).click();
    await view.getByText("paused", { exact: true }).waitFor({ timeout: 60_000 });
    const paused = await stepShown();
    await page.waitForTimeout(1500);
    expect(await stepShown()).toBe(paused);
    await view.getByRole("link", { name: /step-\d+\.safetensors/ }).waitFor();
    await view.getByRole("button", { name: "resume" }).click();
    await view.getByText("running", { exact: true }).waitFor({ timeout: 60_000 });
    await stepReached(paused + 1);
  });

  it("clones a run with changes, and cancels one that waits and one that runs", async () => {
    const old = page.getByRole("article", { name: "Run run-0002" });
    await old.getByRole("button", { name: "clone" }).click();
    await old.getByLabel("Changes, name=value a line").fill("steps=10\nlr=nonsense");
    await old.getByRole("button", { name: "Launch the clone" }).click();
    await old.getByText("lr").and(old.getByRole("status")).waitFor();
    problems.length = 0; // the browser reports the refused request as an error
    await old.getByLabel("Changes, name=value a line").fill("steps=10\nlr=1e-3");
    await old.getByLabel("Name (or the next number)").fill("changed");
    await old.getByRole("button", { name: "Launch the clone" }).click();
    const clone = page.getByRole("article", { name: "Run changed" });
    await clone.getByText("cloned from run-0002").waitFor();
    await clone.getByText("waiting", { exact: true }).waitFor(); // one training a device: run-0002 is on it
    await row("run-0002").getByRole("button").click();
    await old.getByRole("button", { name: "cancel" }).click();
    await row("run-0002").getByText("cancelled").waitFor({ timeout: 60_000 });
    await row("changed").getByText("finished").waitFor({ timeout: 60_000 });
    await row("changed").getByRole("button").click();
    await clone.getByRole("button", { name: "clone" }).click();
    await clone.getByRole("button", { name: "Launch the clone" }).click();
    const again = page.getByRole("article", { name: "Run run-0003" });
    await again.getByRole("button", { name: "cancel" }).click();
    await row("run-0003").getByText("cancelled").waitFor({ timeout: 60_000 });
    if (picture !== undefined) {
      await page.emulateMedia({ colorScheme: "dark" });
      await page.reload();
      await row("run-0002").getByRole("button").click();
      await page.waitForTimeout(2000);
      await page.screenshot({ path: picture.replace(/\.png$/, "-dark.png"), fullPage: true });
    }
  });

  it("shows every job in bull-board", async () => {
    const board = await browser.newPage();
    await board.goto(new URL("/queues", page.url()).href);
    await board.getByText("fetcher").first().waitFor({ timeout: 30_000 });
    await board.close();
  });

  it("had no error in the browser's console", () => {
    expect(problems).toEqual([]);
  });
});
