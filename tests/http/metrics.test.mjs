// SPDX-License-Identifier: Apache-2.0
/*
 * /metrics: who may read it, in which format, that readers of others accept it, and that the numbers are
 * those of what happened.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";

import { startReceiver, until } from "./receiver.mjs";
import { ROOT } from "./server.mjs";
import { act, approved, decided, expectProblem, policyText, propose, read, startWorld } from "./world.mjs";

const OPEN_METRICS = { accept: "application/openmetrics-text; version=1.0.0,text/plain;q=0.5" };

/* Runs a program over a text; what it printed. */
function pipe(program, args, input) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: "utf8" });
  assert.equal(status, 0, `${program} ${args.join(" ")}: ${error ?? ""}${stdout}${stderr}`);
  return stdout + stderr;
}

/* What is measured, read by a parser that is not ours. */
async function scrape(who) {
  const answer = await who.get("/metrics", { headers: OPEN_METRICS });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
  return JSON.parse(pipe("/usr/bin/python3", [join(ROOT, "tests/http/openmetrics.py")], answer.text));
}

/* One sample's value; 0 when there is none. */
function value(families, name, labels = {}) {
  const samples = Object.values(families).flatMap((family) => family.samples);
  const found = samples.find(
    ([sample, own]) => sample === name && Object.entries(labels).every(([label, wanted]) => own[label] === wanted),
  );
  return found?.[2] ?? 0;
}

test("read by leads, auditors and admins; by nobody else", async (t) => {
  const { server, ...who } = await startWorld(t, { people: ["ana", "pol", "lea", "aud", "adm"] });
  expectProblem(await server.public.get("/metrics"), 401, "unauthenticated");
  expectProblem(await who.bot.get("/metrics"), 403, "forbidden");
  expectProblem(await who.ana.get("/metrics"), 403, "forbidden");
  expectProblem(await who.pol.get("/metrics"), 403, "forbidden");
  for (const name of ["lea", "aud", "adm"]) {
    assert.equal((await who[name].get("/metrics")).status, 200, name);
  }
  assert.equal((await (await server.token("aud")).get("/metrics")).status, 200, "by a personal token");
});

test("--metrics-open: by everybody", async (t) => {
  const { server } = await startWorld(t, { people: [], agents: [], args: ["--metrics-open"] });
  assert.equal((await server.public.get("/metrics")).status, 200);
});

test("promtool finds nothing to complain about in the older format", async (t) => {
  const { lea, bot, ana } = await startWorld(t, { people: ["lea", "ana"] });
  await approved(bot, ana);
  const answer = await lea.get("/metrics");
  assert.equal(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  assert.doesNotMatch(answer.text, /# EOF/);
  assert.equal(pipe("promtool", ["check", "metrics"], answer.text), "");
});

test("the numbers are those of what happened", async (t) => {
  const { server, bot, ana, lea } = await startWorld(t, { people: ["ana", "lea"] });
  const first = await approved(bot, ana);
  await bot.post("/v1/permits/redeem", { permit: first.permit, arguments: first.arguments });
  await act(bot, first, "outcome", { status: "succeeded" });
  await decided(ana, await propose(bot), "reject");
  await act(bot, await propose(bot), "withdraw");
  await propose(bot);
  await propose(bot, { action: "contract.sign" });
  await propose(bot, { action: "ticket.tag" });
  await propose(bot, { action: "customer.export" });
  expectProblem(await bot.post("/v1/proposals", { action: "refund.issue" }), 422, "invalid-argument");

  const seen = await scrape(lea);
  assert.deepEqual(
    ["general", "leads", "other"].map((queue) => value(seen, "fermata_queue_pending", { queue })),
    [1, 1, 0],
  );
  assert.ok(value(seen, "fermata_queue_oldest_seconds", { queue: "general" }) > 0);
  const assessed = (action, verdict) => value(seen, "fermata_assessments_total", { action, verdict });
  assert.equal(assessed("refund.issue", "earn"), 4);
  assert.equal(assessed("ticket.tag", "allow"), 1);
  assert.equal(assessed("customer.export", "block"), 1);
  const byVerdict = (verdict) => value(seen, "fermata_decisions_total", { action: "refund.issue", verdict });
  assert.deepEqual([byVerdict("approve"), byVerdict("reject"), byVerdict("modify")], [1, 1, 0]);
  assert.equal(value(seen, "fermata_decision_time_seconds_count"), 2);
  for (const [event, times] of [
    ["proposal.held", 5],
    ["proposal.decided", 2],
    ["proposal.withdrawn", 1],
    ["permit.redeemed", 1],
    ["proposal.outcome", 1],
    ["proposal.blocked", 1],
  ]) {
    assert.equal(value(seen, "fermata_events_total", { event }), times, event);
  }
  assert.equal(value(seen, "fermata_outcomes_total", { status: "succeeded" }), 1);
  const requests = { method: "POST", route: "/v1/proposals" };
  assert.equal(value(seen, "fermata_http_requests_total", { ...requests, status: "2xx" }), 7);
  assert.equal(value(seen, "fermata_http_requests_total", { ...requests, status: "4xx" }), 1);
  assert.equal(value(seen, "fermata_http_request_duration_seconds_count", requests), 8);
  const batches = value(seen, "fermata_commit_batches_total");
  assert.ok(batches > 10 && value(seen, "fermata_commit_seconds_count") <= batches);
  assert.equal(value(seen, "fermata_commit_batch_commands_count"), batches);
  const size = (await server.public.get("/log/checkpoint")).text.split("\n")[1];
  assert.ok(value(seen, "fermata_log_entries") >= Number(size));
  assert.ok(value(seen, "fermata_store_size_bytes", { file: "fermata.db" }) > 0);
  assert.ok(value(seen, "process_resident_memory_bytes") > 1e6 && value(seen, "process_open_fds") > 5);
  assert.equal(value(seen, "fermata_build_info", { version: "0.1.0" }), 1);
});

test("what waits is counted while it waits, and no longer", async (t) => {
  const { bot, ana, lea } = await startWorld(t, { people: ["ana", "lea"] });
  const made = await propose(bot);
  const parked = read(bot, made, "60s");
  const stream = await ana.stream();
  await stream.next(({ event }) => event === "hello");
  for (let seen = {}; value(seen, "fermata_parked_waits") !== 1; ) {
    seen = await scrape(lea); // until the request has arrived
    assert.equal(value(seen, "fermata_open_streams"), 1);
  }
  await decided(ana, made);
  await parked;
  stream.close();
  let after = await scrape(lea);
  assert.equal(value(after, "fermata_parked_waits"), 0);
  assert.equal(value(after, "fermata_commit_to_send_seconds_count"), 1);
  while (value(after, "fermata_open_streams") !== 0) {
    after = await scrape(lea); // until the end has arrived
  }
});

test("callbacks: each attempt by what came of it, and what still waits", async (t) => {
  const args = ["--callback-allow", "127.0.0.0/8", "--callback-retry", "1h"];
  const { server, lea } = await startWorld(t, { people: ["ana", "lea"], agents: [], args });
  const receiver = await startReceiver(t);
  const made = await server.cli("agent", "add", "caller", "--owner", "ana", "--host", "127.0.0.1");
  const bot = await server.key("caller", made.id);
  const idle = await scrape(lea);
  for (const family of ["fermata_callbacks_pending", "fermata_callbacks_dead", "fermata_callbacks_oldest_seconds"]) {
    assert.deepEqual([idle[family].type, value(idle, family)], ["gauge", 0], family);
  }
  assert.equal(idle.fermata_callbacks.type, "counter");
  receiver.answers.push({ status: 204 }, { status: 410 }, { status: 503 });
  for (const result of ["delivered", "given_up", "failed"]) {
    const held = await propose(bot, { callback: { url: `${receiver.url}/${result}` } });
    await act(bot, held, "withdraw");
    await receiver.next();
    await until(
      () => scrape(lea),
      (seen) => value(seen, "fermata_callbacks_total", { result }) >= 1,
    );
  }
  const waits = (seen) => value(seen, "fermata_callbacks_oldest_seconds") > 0;
  const seen = await until(() => scrape(lea), waits); // the one that is tried again in an hour
  assert.equal(value(seen, "fermata_callbacks_pending"), 1);
  assert.equal(value(seen, "fermata_callbacks_dead"), 1);
});

test("agents cannot make labels: an action that the policy does not name is `other`", async (t) => {
  const { bot, lea } = await startWorld(t, { people: ["lea"] });
  for (let i = 0; i < 5; i += 1) {
    await propose(bot, { action: `made.up.${i}` });
  }
  const seen = await scrape(lea);
  assert.equal(value(seen, "fermata_assessments_total", { action: "other", verdict: "review" }), 5);
  assert.doesNotMatch(JSON.stringify(seen), /made\.up|"bot"/);
});

test("no more than a hundred actions become labels", async (t) => {
  const names = Array.from({ length: 120 }, (_, i) => `one.of.${i}`);
  const actions = names.map((name) => `  ${name}: {then: allow}`).join("\n");
  const { bot, lea } = await startWorld(t, { people: ["lea"], policy: policyText({ actions }) });
  for (const action of names) {
    await propose(bot, { action });
  }
  const samples = (await scrape(lea)).fermata_assessments.samples;
  assert.equal(samples.length, 101);
  assert.equal(value({ x: { samples } }, "fermata_assessments_total", { action: "other" }), 20);
});

test("expiries are told apart from approvals that nobody used", async (t) => {
  const policy = policyText({ defaults: { respond_within: "1s", valid_for: "1s" } });
  const { bot, ana, lea } = await startWorld(t, { people: ["ana", "lea"], policy });
  const used = await approved(bot, ana);
  const held = await propose(bot);
  assert.equal((await read(bot, held, "30s")).status, "expired");
  const stream = await lea.stream();
  t.after(() => stream.close());
  await stream.next(({ event }) => event === "hello");
  if ((await read(ana, used)).status !== "expired") {
    await stream.next(({ event, data }) => event === "proposal.expired" && data.proposal === used.id);
  }
  const seen = await scrape(lea);
  assert.equal(value(seen, "fermata_expired_total", { what: "held" }), 1);
  assert.equal(value(seen, "fermata_expired_total", { what: "approval" }), 1);
});
