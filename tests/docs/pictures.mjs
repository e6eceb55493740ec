// SPDX-License-Identifier: Apache-2.0
/*
 * Takes the pictures of docs/images anew, of the demo as a visitor sees it after a minute: run it when the page
 * has changed, and look at them before they are committed.
 *
 *   node tests/docs/pictures.mjs [FOLDER]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { BINARY, ROOT } from "../http/server.mjs";
import { startBrowser } from "../e2e/browser.mjs";
import { plainEnv, saying, startBash } from "./place.mjs";

const INTO = process.argv[2] ?? join(ROOT, "docs/images");
const DESKTOP = { viewport: { width: 1360, height: 900 }, deviceScaleFactor: 1 };
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };
const CASE = /Refund 79.4 GBP/; // what the pictures of a decision show

/* name, how the page is opened, the colours, and what brings it about */
const PICTURES = [
  ["decision", DESKTOP, "light", openCase],
  ["decision-dark", DESKTOP, "dark", openCase],
  ["attack", DESKTOP, "light", openAttack],
  ["phone", PHONE, "light", openCase],
];

async function openCase(page, which = CASE) {
  await page.locator(".row", { hasText: which }).first().click();
  await page.waitForSelector(".proposal .bar");
  const free = page.viewportSize().width * 0.8; // of the bar: no link is there to light up
  await page.mouse.move(free, 5);
  await page.mouse.move(free + 4, 8);
  await page.waitForFunction(() => document.querySelector(".verb-approve")?.getAttribute("aria-disabled") === "false");
}

async function openAttack(page) {
  await openCase(page, /Re: vase/);
  await page.getByText("From the agent").evaluate((element) => {
    let box = element.parentElement;
    while (box.scrollHeight <= box.clientHeight || getComputedStyle(box).overflowY === "visible") {
      box = box.parentElement;
    }
    box.scrollTop += element.getBoundingClientRect().top - box.getBoundingClientRect().top - 24;
  });
}

const folder = mkdtempSync(join(tmpdir(), "fermata-pictures-"));
const cleanups = [() => rmSync(folder, { recursive: true, force: true })];
try {
  const env = plainEnv({ PORT: "0", PACE: "0.1", FERMATA_BIN: BINARY });
  const demo = startBash(`${BINARY} demo --data ${folder}/data --port 0`, { cwd: folder, env });
  cleanups.unshift(() => demo.end());
  const [link] = await saying(demo, /http:\/\/\S+\/#fkl_\S+/, 60_000);
  const browser = await startBrowser({ after: (end) => cleanups.unshift(end) });
  const first = await browser.newContext(DESKTOP);
  const page = await first.newPage();
  await page.goto(link);
  await page.waitForSelector(".row");
  const storageState = await first.storageState();
  for (const [name, device, colorScheme, bring] of PICTURES) {
    const context = await browser.newContext({ ...device, colorScheme, storageState, reducedMotion: "reduce" });
    const shown = await context.newPage();
    await shown.goto(new URL(link).origin);
    await shown.waitForSelector(".row");
    await bring(shown);
    await shown.waitForSelector(".line.live", { state: "attached" });
    await shown.screenshot({ path: join(INTO, `${name}.png`) });
    await context.close();
    console.log(`${name}.png`);
  }
} finally {
  for (const cleanup of cleanups) {
    await cleanup();
  }
}
