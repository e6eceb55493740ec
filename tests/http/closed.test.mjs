// SPDX-License-Identifier: Apache-2.0
/*
 * Fail closed, from end to end: whatever goes wrong with the policy asks a person or says no, never yes,
 * and says so where agent, reviewer or operator look.
 */
import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import test from "node:test";

import { fermata } from "./server.mjs";
import { policyText, propose, read, startWorld } from "./world.mjs";

/* `open.gate` is allowed: only what goes wrong can hold it. */
const withRules = (rules) =>
  policyText({ actions: "  open.gate: {then: allow}", extra: `rules:\n${rules.map((rule) => `  - ${rule}\n`).join("")}` });
const TEN = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
const COSTLY = `${TEN}.all(a, ${TEN}.all(b, ${TEN}.all(c, ${TEN}.all(d, ${TEN}.all(e, ${TEN}.all(f, a + b + c + d + e + f >= int(args.n)))))))`;

const failures = [
  { name: "an evaluation error", when: "1 / int(args.n) > 0", args: { n: 0 }, says: /division by zero|divi/i },
  { name: "a missing member", when: "args.amount > 50.0", args: {}, says: /amount/ },
  { name: "a member of another kind", when: "args.amount > 50.0", args: { amount: "much" }, says: /./ },
  { name: "an exceeded cost", when: COSTLY, args: { n: 0 }, says: /./ },
];

for (const { name, when, args, says } of failures) {
  for (const then of ["allow", "earn", "block"]) {
    test(`${name} of a rule that would ${then}: a person is asked, and told why`, async (t) => {
      const rule = `{id: broken, when: '${when}', then: ${then}}`;
      const { bot, ana } = await startWorld(t, { people: ["ana"], policy: withRules([rule]) });
      const made = await propose(bot, { action: "open.gate", arguments: args });
      assert.equal(`${made.status} ${made.assessment.verdict}`, "pending review");
      const seen = await read(ana, made);
      const reason = seen.assessment.reasons.find(({ rule: id }) => id === "broken");
      assert.match(reason.text, /^The rule broken could not be evaluated: /);
      assert.match(reason.text, says);
    });
  }
}

test("a budget whose amount is missing asks a person", async (t) => {
  const policy = policyText({
    actions: "  open.gate: {then: allow}",
    extra: "budgets: [{id: day, sum: args.amount, per: agent, window: 1h, limit: 10, then: block}]\n",
  });
  const { bot } = await startWorld(t, { people: ["ana"], policy });
  const made = await propose(bot, { action: "open.gate", arguments: {} });
  assert.equal(made.status, "pending");
  assert.match(made.assessment.reasons.at(-1).text, /^The budget day could not be evaluated: /);
  assert.equal((await propose(bot, { action: "open.gate", arguments: { amount: -5 } })).status, "pending");
  assert.equal((await propose(bot, { action: "open.gate", arguments: { amount: 10 } })).status, "approved");
  assert.equal((await propose(bot, { action: "open.gate", arguments: { amount: 1 } })).status, "blocked");
});

for (const [unknown, status] of [["review", "pending"], ["block", "blocked"]]) {
  test(`an unknown action under unknown_actions: ${unknown}, whatever the defaults allow`, async (t) => {
    const policy = policyText({ defaults: { then: "allow" } }).replace("unknown_actions: review", `unknown_actions: ${unknown}`);
    const { bot } = await startWorld(t, { people: ["ana"], policy });
    const made = await propose(bot, { action: "never.heard" });
    assert.equal(made.status, status);
    assert.match(made.assessment.reasons[0].text, /never\.heard is not in the catalogue/);
  });
}

const unreadable = {
  "is gone": (file) => rmSync(file),
  "is no YAML": (file) => writeFileSync(file, "version: 1\nrules: [{\n"),
  "has a test that fails": (file) =>
    writeFileSync(file, `${policyText()}tests: [{name: no, given: {action: ticket.tag}, want: {verdict: block}}]\n`),
  "is not UTF-8": (file) => writeFileSync(file, Buffer.from([0x76, 0xff, 0xfe])),
};

for (const [how, spoil] of Object.entries(unreadable)) {
  test(`a file that ${how} changes nothing: while it runs the old policy rules, and it does not start with it`, async (t) => {
    const { server, bot, pol } = await startWorld(t, { people: ["pol", "ana"], policy: withRules([]) });
    const file = server.policyFile;
    const before = (await pol.get("/v1/policies")).body.items.map(({ id }) => id);
    spoil(file);
    const { code, stderr } = await fermata(["policy", "propose", file, "--data", server.data]);
    assert.notEqual(code, 0);
    assert.match(stderr, /policy\.yaml/);
    assert.deepEqual((await pol.get("/v1/policies")).body.items.map(({ id }) => id), before);
    assert.equal((await propose(bot, { action: "open.gate" })).status, "approved", "the old policy rules");
    await server.stop();
    await assert.rejects(server.start(), /policy\.yaml/);
    server.policyFile = null;
    await server.start();
    const again = await server.key("bot", bot.id);
    assert.equal((await propose(again, { action: "open.gate" })).status, "approved");
    assert.equal((await propose(again, { action: "customer.export" })).status, "blocked");
  });
}
