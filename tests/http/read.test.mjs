// SPDX-License-Identifier: Apache-2.0
/*
 * Reading: one proposal, waiting for it, lists with filters and cursors, attachments, and that nothing
 * of all this changes anything.
 */
import assert from "node:assert/strict";
import test, { after, describe } from "node:test";

import { act, decide, decided, expectProblem, policyText, propose, read, refund, startWorld } from "./world.mjs";

const world = await startWorld(
  { after },
  { people: ["ana", "ben", "lea", "aud", "adm", "pol"], agents: ["bot", "other"] },
);
const NOBODYS = `prp_${"0".repeat(25)}1`;

/* --- one proposal ------------------------------------------------------------------------------------ */

test("an agent reads its own, without what only people see", async () => {
  const { bot } = world;
  const made = await propose(bot, { brief: { summary: "S" } });
  const seen = await read(bot, made);
  assert.deepEqual(seen, made);
  for (const member of ["card", "counts", "comments", "timeline", "can"]) {
    assert.equal(member in seen, false, member);
  }
});

test("another agent's proposal, one that is not there and no id at all are the same 404", async () => {
  const { bot, other } = world;
  const made = await propose(bot);
  const answers = [];
  for (const id of [made.id, NOBODYS, "nonsense", made.id.toLowerCase(), `${made.id}0`]) {
    answers.push(await other.get(`/v1/proposals/${id}`));
    expectProblem(answers.at(-1), 404, "not-found");
  }
  assert.equal(answers[0].text, answers[1].text, "nothing tells the one from the other");
});

const WHO_SEES = [
  ["a reviewer of its queue", "ana", "refund.issue", true],
  ["a reviewer of another queue", "ana", "contract.sign", false],
  ["a lead", "lea", "refund.issue", true],
  ["an auditor", "aud", "contract.sign", true],
  ["the policy's owner", "pol", "contract.sign", true],
  ["an admin alone", "adm", "refund.issue", false],
];
for (const [name, who, action, sees] of WHO_SEES) {
  test(`${name} ${sees ? "reads it" : "does not see it, in no list either"}`, async () => {
    const { bot } = world;
    const made = await propose(bot, { action });
    const answer = await world[who].get(`/v1/proposals/${made.id}`);
    const listed = (await world[who].get("/v1/proposals?limit=1")).body.items.some(({ id }) => id === made.id);
    assert.equal(listed, sees);
    if (!sees) {
      expectProblem(answer, 404, "not-found");
      return;
    }
    assert.equal(answer.status, 200);
    assert.equal(answer.body.permit, null);
  });
}

test("people read the card, the counts, the notes and the timeline", async () => {
  const { bot, ana } = world;
  const made = await propose(bot, {
    arguments: { order_id: "W9", amount: 12.5, currency: "EUR", z: [], o: { a: null, b: true } },
  });
  await act(ana, made, "comment", { text: "Look at the photo." });
  const seen = await read(ana, made);
  assert.equal(seen.card.title, "Refund 12.5 EUR for order W9");
  assert.equal(seen.card.executor, "payments");
  assert.deepEqual(seen.card.effects, ["account", "money"]);
  assert.deepEqual([seen.card.domain, seen.card.reversible, seen.card.hidden], ["billing", false, 0]);
  assert.match(seen.card.oversight, /photo/);
  const lines = seen.card.lines.map(
    ({ pointer, kind, critical, parts }) => `${pointer} ${kind} ${critical} ${parts.map((p) => p.text).join("")}`,
  );
  assert.deepEqual(lines, [
    "/amount number true 12.5",
    "/order_id string true W9",
    "/currency string false EUR",
    "/o/a null false null",
    "/o/b boolean false true",
    "/z empty false []",
  ]);
  assert.deepEqual(
    seen.comments.map(({ by, text }) => `${by.name}: ${text}`),
    ["ana: Look at the photo."],
  );
  assert.deepEqual(
    seen.timeline.map(({ type, by }) => `${type} ${by.kind} ${by.name}`),
    ["proposal.held agent bot", "proposal.commented reviewer ana"],
  );
  assert.deepEqual(seen.can, { decide: true, claim: true, reason: null });
});

test("who may not decide reads why", async () => {
  const made = await propose(world.bot, { action: "contract.sign" });
  const { can } = await read(world.aud, made);
  assert.deepEqual([can.decide, can.claim], [false, false]);
  assert.match(can.reason, /role/);
});

const HIDDEN = [
  ["zero width space", "a\u200bb", "U+200B", "ZERO WIDTH SPACE"],
  ["right-to-left override", "pay\u202efdp", "U+202E", "RIGHT-TO-LEFT OVERRIDE"],
  ["tag", "a\u{e0041}", "U+E0041", "TAG LATIN CAPITAL LETTER A"],
  ["variation selector", "a\ufe00", "U+FE00", "VARIATION SELECTOR-1"],
  ["escape", "\u001b[31m", "U+001B", null],
  ["line feed", "a\nb", "U+000A", null],
  ["soft hyphen", "a\u00adb", "U+00AD", "SOFT HYPHEN"],
  ["line separator", "\u2028", "U+2028", "LINE SEPARATOR"],
  ["private use", "\ue000", "U+E000", null],
  ["word joiner", "\u2060", "U+2060", "WORD JOINER"],
];
for (const [name, value, code, unicodeName] of HIDDEN) {
  test(`a hidden character is a part of its own: ${name}`, async () => {
    const made = await propose(world.bot, { action: "note.write", arguments: { v: value, clean: "ä€𝄐" } });
    assert.equal(made.arguments.v, value, "the agent's own bytes are not changed");
    const { card } = await read(world.ana, made);
    const line = card.lines.find(({ pointer }) => pointer === "/v");
    assert.equal(card.hidden, 1);
    assert.equal(line.bytes, Buffer.byteLength(value));
    const joined = line.parts.map(
      ({ text, hidden }) => text ?? String.fromCodePoint(Number.parseInt(hidden.slice(2), 16)),
    );
    assert.equal(joined.join(""), value, "together the parts are the value");
    const chip = line.parts.find((part) => part.hidden);
    assert.equal(chip.hidden, code);
    if (unicodeName) {
      assert.equal(chip.name, unicodeName);
    }
    assert.deepEqual(card.lines.find(({ pointer }) => pointer === "/clean").parts, [{ text: "ä€𝄐" }]);
  });
}

test("a hidden character in the name of a member is not lost in the pointer", async () => {
  const made = await propose(world.bot, { action: "note.write", arguments: { "amo\u200bunt": 1 } });
  const { card } = await read(world.ana, made);
  assert.equal(card.lines[0].pointer, "/amo\u200bunt");
  assert.equal(card.hidden, 1, "hidden characters of names count");
});

/* --- waiting ----------------------------------------------------------------------------------------- */

describe("waiting", { concurrency: 16 }, () => {
  test("a wait for one that is decided answers at once", async () => {
    const { bot, ana } = world;
    const made = await propose(bot);
    await decided(ana, made);
    const begun = Date.now();
    assert.equal((await read(bot, made, "60s")).status, "approved");
    assert.ok(Date.now() - begun < 5000);
  });

  test("a wait whose time is up answers 200 and pending", async () => {
    const made = await propose(world.bot);
    const begun = Date.now();
    assert.equal((await read(world.bot, made, "1s")).status, "pending");
    assert.ok(Date.now() - begun >= 990, `after ${Date.now() - begun} ms`);
  });

  test("Prefer: wait=1 waits as well", async () => {
    const made = await propose(world.bot);
    const begun = Date.now();
    const answer = await world.bot.get(`/v1/proposals/${made.id}`, { headers: { prefer: "respond-async, wait=1" } });
    assert.equal(answer.body.status, "pending");
    assert.ok(Date.now() - begun >= 990);
  });

  test("wait=0s does not wait", async () => {
    const made = await propose(world.bot);
    assert.equal((await read(world.bot, made, "0s")).status, "pending");
  });

  const WAYS_OUT = [
    ["an approval", "approved", (made) => decide(world.ana, made, "approve")],
    ["a modification", "approved", (made) => decide(world.ana, made, "modify", { arguments: refund() })],
    ["a rejection", "rejected", (made) => decide(world.ana, made, "reject")],
    ["a return", "returned", (made) => decide(world.ana, made, "return")],
    ["a withdrawal", "withdrawn", (made) => act(world.bot, made, "withdraw")],
    [
      "being superseded",
      "withdrawn",
      (made) => world.bot.post("/v1/proposals", { action: "note.write", arguments: {}, supersedes: made.id }),
    ],
  ];
  for (const [name, status, leave] of WAYS_OUT) {
    test(`a parked wait is woken by ${name}`, async () => {
      const { bot, ana } = world;
      const made = await propose(bot);
      const waits = [read(bot, made, "60s"), read(bot, made, "60s"), read(ana, made, "60s")];
      await read(bot, made, "1s"); // by now the three are parked
      const begun = Date.now();
      const answer = await leave(made);
      assert.ok(answer.status < 300, answer.text);
      for (const seen of await Promise.all(waits)) {
        assert.equal(seen.status, status);
      }
      assert.ok(Date.now() - begun < 5000);
    });
  }

  test("a parked wait is woken by its deadline", async () => {
    const made = await propose(world.bot, { deadline: "1s" });
    assert.equal((await read(world.bot, made, "60s")).status, "expired");
  });

  test("a wait that is hung up harms nothing", async () => {
    const { bot, ana } = world;
    const made = await propose(bot);
    const hangUp = new AbortController();
    const waits = bot.get(`/v1/proposals/${made.id}?wait=60s`, { signal: hangUp.signal });
    await read(bot, made, "1s");
    hangUp.abort();
    await assert.rejects(waits);
    await decided(ana, made);
    assert.equal((await read(bot, made, "60s")).status, "approved");
  });

  const BAD_WAITS = ["121s", "3m", "1h", "-1s", "30", "s", "", "30 s"];
  for (const wait of BAD_WAITS) {
    test(`wait=${wait} is refused`, async () => {
      const made = await propose(world.bot, { action: "ticket.tag" });
      expectProblem(
        await world.bot.get(`/v1/proposals/${made.id}?wait=${encodeURIComponent(wait)}`),
        422,
        "invalid-argument",
        "/wait",
      );
    });
  }

  test("wait=120s and wait=2m are not", async () => {
    const made = await propose(world.bot, { action: "ticket.tag" });
    assert.equal((await read(world.bot, made, "120s")).status, "approved");
    assert.equal((await read(world.bot, made, "2m")).status, "approved");
  });

  test("an unknown query parameter is refused", async () => {
    const made = await propose(world.bot);
    expectProblem(await world.bot.get(`/v1/proposals/${made.id}?timeout=30s`), 422, "unknown-member", "/timeout");
  });
});

/* --- lists ------------------------------------------------------------------------------------------- */

test("lists: filters, pages and who sees what", async (t) => {
  const { server, bot, other, ana, lea } = await startWorld(t, { people: ["ana", "lea"], agents: ["bot", "other"] });
  const made = [];
  for (let i = 0; i < 7; i += 1) {
    made.push(
      await propose(i % 2 ? other : bot, {
        action: i < 4 ? "refund.issue" : "contract.sign",
        brief: { summary: `Number ${i} Ümlaut` },
      }),
    );
  }
  await decided(ana, made[0], "reject");
  const tagged = await propose(bot, { action: "ticket.tag" });
  const list = async (who, query = "") => {
    const answer = await who.get(`/v1/proposals${query}`);
    assert.equal(answer.status, 200, answer.text.slice(0, 500));
    return answer.body;
  };
  const numbers = ({ items }) => items.map(({ id }) => made.findIndex((each) => each.id === id));

  await t.test("an agent sees its own, the newest first", async () => {
    assert.deepEqual(numbers(await list(bot)), [-1, 6, 4, 2, 0]);
    assert.deepEqual(numbers(await list(other)), [5, 3, 1]);
  });
  await t.test("a reviewer sees the queues of theirs", async () => {
    assert.deepEqual(numbers(await list(ana)), [3, 2, 1, 0]);
  });
  await t.test("a lead sees all", async () => {
    assert.equal((await list(lea)).items.length, 8);
  });
  const filters = [
    ["status=rejected", [0]],
    ["status=pending", [6, 5, 4, 3, 2, 1]],
    ["status=approved", [-1]],
    ["action=contract.sign", [6, 5, 4]],
    ["category=refund.issue", [3, 2, 1, 0]],
    ["queue=leads", [6, 5, 4]],
    [`agent=${other.id}`, [5, 3, 1]],
    ["q=number%202", [2]],
    ["q=NUMBER%203%20%C3%9Cml", [3]],
    ["q=nowhere", []],
    ["status=pending&action=refund.issue", [3, 2, 1]],
    [`agent=${bot.id}&queue=leads&status=pending`, [6, 4]],
  ];
  for (const [query, wanted] of filters) {
    await t.test(`a lead filters by ${query}`, async () => {
      assert.deepEqual(numbers(await list(lea, `?${query}`)), wanted);
    });
  }
  await t.test("decided_by=me", async () => {
    assert.deepEqual(numbers(await list(ana, "?decided_by=me")), [0]);
    assert.deepEqual(numbers(await list(lea, "?decided_by=me")), []);
    expectProblem(await ana.get("/v1/proposals?decided_by=lea"), 422, "invalid-argument", "/decided_by");
    expectProblem(await bot.get("/v1/proposals?decided_by=me"), 422, "invalid-argument", "/decided_by");
  });
  await t.test("a filter by another agent shows an agent nothing", async () => {
    assert.deepEqual((await list(bot, `?agent=${other.id}`)).items, []);
    assert.deepEqual((await list(bot, `?agent=agt_${"0".repeat(25)}1`)).items, []);
  });
  await t.test("a filter that no proposal can have is refused", async () => {
    expectProblem(await lea.get("/v1/proposals?agent=bot"), 422, "invalid-argument", "/agent");
    expectProblem(await lea.get("/v1/proposals?stauts=pending"), 422, "unknown-member", "/stauts");
    expectProblem(await lea.get("/v1/proposals?status=open"), 422, "invalid-argument", "/status");
  });
  for (const limit of [1, 2, 3, 7, 8, 9, 200]) {
    await t.test(`pages of ${limit} give each once, in order`, async () => {
      const seen = [];
      let cursor = "";
      let pages = 0;
      for (; cursor !== null; pages += 1) {
        const page = await list(lea, `?limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
        assert.ok(page.items.length <= limit);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.next_cursor;
      }
      assert.deepEqual(
        seen,
        [tagged, ...made.reverse()].map(({ id }) => id),
      );
      made.reverse();
      assert.equal(pages, Math.ceil(8 / limit), "and no empty page at the end");
    });
  }
  await t.test("what comes after the first page does not move it", async () => {
    const first = await list(lea, "?limit=3");
    await propose(bot, { action: "ticket.tag" });
    const second = await list(lea, `?limit=3&cursor=${encodeURIComponent(first.next_cursor)}`);
    assert.deepEqual(numbers(second), [4, 3, 2]);
  });
  for (const [query, pointer] of [
    ["limit=0", "/limit"],
    ["limit=201", "/limit"],
    ["limit=x", "/limit"],
    ["limit=", "/limit"],
    ["limit=-1", "/limit"],
    ["cursor=x", "/cursor"],
    ["cursor=1-2-3", "/cursor"],
    ["cursor=99999999999999999999-0", "/cursor"],
  ]) {
    await t.test(`${query} is refused`, async () => {
      expectProblem(await lea.get(`/v1/proposals?${query}`), 422, "invalid-argument", pointer);
    });
  }
  await t.test("the default is 50", async () => {
    for (let i = 0; i < 45; i += 1) {
      await propose(bot, { action: "ticket.tag" });
    }
    const page = await list(lea);
    assert.equal(page.items.length, 50);
    assert.notEqual(page.next_cursor, null);
  });
  await t.test("what one decided is paged in the order of deciding", async () => {
    for (const index of [3, 1, 2]) {
      await decided(ana, made[index]);
    }
    const order = [];
    for (let cursor = ""; cursor !== null;) {
      const page = await list(ana, `?decided_by=me&limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      order.push(...numbers(page));
      cursor = page.next_cursor;
    }
    assert.deepEqual(order, [2, 1, 3, 0]);
  });
  assert.equal(server.process.exitCode, null);
});

/* --- attachments --------------------------------------------------------------------------------------- */

const PNG = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
const ATTACHMENTS = [
  ["image/png", "image/png"],
  ["image/jpeg", "image/jpeg"],
  ["image/gif", "image/gif"],
  ["image/webp", "image/webp"],
  ["image/svg+xml", "application/octet-stream"],
  ["text/html", "application/octet-stream"],
  ["application/pdf", "application/octet-stream"],
  ["image/png; x=text/html", "application/octet-stream"],
];

test("attachments are read as bytes to be saved, images as what they are", async (t) => {
  const { bot, other, ana, adm } = world;
  const evidence = ATTACHMENTS.map(([content_type]) => ({
    title: content_type,
    content_type,
    base64: PNG.toString("base64"),
  }));
  const made = await propose(bot, { brief: { evidence: [{ title: "text", text: "no attachment" }, ...evidence] } });
  for (const [index, [claimed, served]] of ATTACHMENTS.entries()) {
    for (const who of [bot, ana]) {
      await t.test(`${claimed} for ${who.name}`, async () => {
        const answer = await who.get(`/v1/proposals/${made.id}/attachments/${index + 1}`);
        assert.equal(answer.status, 200);
        assert.deepEqual(answer.bytes, PNG);
        assert.equal(answer.headers["content-type"], served);
        assert.equal(answer.headers["content-disposition"], "attachment");
        assert.equal(answer.headers["content-security-policy"], "default-src 'none'; sandbox");
      });
    }
  }
  const missing = [
    [bot, "0"],
    [bot, "9"],
    [bot, "x"],
    [bot, "-1"],
    [bot, "18446744073709551616"],
    [other, "1"],
    [adm, "1"],
  ];
  for (const [who, n] of missing) {
    await t.test(`item ${n} for ${who.name} is not found`, async () => {
      expectProblem(await who.get(`/v1/proposals/${made.id}/attachments/${n}`), 404, "not-found");
    });
  }
});

/* --- reading changes nothing (A15) ------------------------------------------------------------------- */

test("GET and HEAD change nothing, whoever asks and how often", async (t) => {
  const { server, bot, ana, lea, aud } = await startWorld(t, {
    people: ["ana", "lea", "aud"],
    policy: policyText({ defaults: { mode: "read" } }),
  });
  const pending = await propose(bot, {
    brief: { evidence: [{ title: "P", content_type: "image/png", base64: "aGk=" }] },
  });
  const done = await propose(bot, { action: "ticket.tag" });
  const size = async () => (await server.public.get("/log/checkpoint")).text.split("\n")[1];
  const paths = [pending, done].flatMap(({ id }) => [
    `/v1/proposals/${id}`,
    `/v1/proposals/${id}/attachments/0`,
    `/v1/proposals/${id}/claim`,
    `/v1/proposals/${id}/decision`,
    `/v1/proposals/${id}/undo`,
    `/v1/proposals/${id}/withdraw`,
    `/p/${id}`,
  ]);
  paths.push(
    "/v1/proposals",
    "/v1/inbox",
    "/v1/me",
    "/v1/categories",
    "/v1/queues",
    "/v1/agents",
    "/v1/people",
    "/v1/permits/redeem",
    "/",
    "/readyz",
  );
  await read(bot, pending, "2s"); // a head is signed every second
  const before = JSON.stringify([await read(aud, pending), await read(aud, done)]);
  const leaves = await size();
  for (const who of [bot, ana, lea, aud, server.public]) {
    for (const path of paths) {
      for (const method of ["GET", "HEAD"]) {
        const { status } = await who.request(method, path);
        assert.ok(status < 500, `${method} ${path}`);
      }
    }
  }
  assert.equal(JSON.stringify([await read(aud, pending), await read(aud, done)]), before);
  await read(bot, pending, "2s");
  assert.equal(await size(), leaves, "the log has grown");
});

test("HEAD answers like GET, without the body", async () => {
  const made = await propose(world.bot);
  const [head, get] = [
    await world.bot.request("HEAD", `/v1/proposals/${made.id}`),
    await world.bot.get(`/v1/proposals/${made.id}`),
  ];
  assert.equal(head.status, 200);
  assert.equal(head.headers["content-length"], get.headers["content-length"]);
  assert.equal(head.bytes.length, 0);
});
