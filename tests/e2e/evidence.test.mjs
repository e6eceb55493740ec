// SPDX-License-Identifier: Apache-2.0
/*
 * The page of an evidence bundle, as an auditor opens it from a file: no violation that axe knows, in light and in
 * dark; all of it in one landmark.
 */
import assert from "node:assert/strict";
import * as file from "node:test";

import { signed } from "../http/world.mjs";
import { axeFindings } from "./browser.mjs";
import { decide, propose, startWorld } from "./world.mjs";

const { test } = file;
const world = await startWorld(file);

for (const colorScheme of ["light", "dark"]) {
  test(`the page of a bundle, ${colorScheme}`, async (t) => {
    const { server, browser, bot } = world;
    const made = await propose(bot, { action: "anything.refund", arguments: { amount: 1, why: "<b>because</b>" } });
    await decide(await server.signIn("ana"), made, { verdict: "approve" });
    const vera = await server.signIn("vera");
    const { text } = await signed(() => vera.get(`/v1/audit/bundle/${made.id}?format=html`));
    const context = await browser.newContext({ colorScheme });
    t.after(() => context.close());
    const page = await context.newPage();
    await page.setContent(text);
    assert.deepEqual(await axeFindings(page), []);
    assert.equal(await page.evaluate(() => document.querySelectorAll("body > :not(main)").length), 0);
  });
}
