// SPDX-License-Identifier: Apache-2.0
/*
 * SIGTERM: what is under way is finished and answered, what waits is answered as it stands, streams end,
 * nobody new is let in, and all of it ends within a bound whatever clients do.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import test, { describe } from "node:test";

import { propose, read, refund, startWorld } from "./world.mjs";

const DRAIN_MS = 20_000; // of src/server/server.c
const TOGETHER = { concurrency: 8 };

/* A raw connection that has sent the head and half of a proposal. */
async function halfSent(server, bot) {
  const body = JSON.stringify({ action: "refund.issue", arguments: refund() });
  const { hostname, port } = new URL(server.url);
  const socket = net.connect(port, hostname);
  let answer = "";
  socket.setEncoding("utf8").on("data", (text) => (answer += text));
  socket.on("error", () => {});
  const ended = once(socket, "close");
  await once(socket, "connect");
  socket.write(
    `POST /v1/proposals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bot.secret}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 20)}`,
  );
  return { finish: () => socket.write(body.slice(20)), socket, ended: ended.then(() => answer) };
}

/* Whether nobody takes new connections any more. */
async function isClosed(server) {
  const { hostname, port } = new URL(server.url);
  const socket = net.connect(port, hostname);
  const [event] = await Promise.race(["connect", "error"].map((name) => once(socket, name).then(() => [name], () => ["error"])));
  socket.destroy();
  return event === "error";
}

/* Sends SIGTERM; resolves once every loop drains: then no new connection is taken. */
async function terminate(server) {
  await server.signal("SIGTERM", "server.stopping");
  const at = Date.now();
  while (!(await isClosed(server)));
  return at;
}

describe("draining", TOGETHER, () => {
  test("a write whose request is half there is taken, answered, and kept", async (t) => {
    const { server, bot } = await startWorld(t, { people: [] });
    const late = await halfSent(server, bot);
    await read(bot, await propose(bot)); // a whole exchange later, the server has seen the head
    await terminate(server);
    late.finish();
    const answer = await late.ended;
    assert.match(answer, /^HTTP\/1\.1 201 /);
    assert.match(answer, /^Connection: close\r$/im);
    const made = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
    assert.equal((await server.exited).code, 0);
    await server.start();
    assert.equal((await read(bot, made)).status, "pending");
  });

  test("whatever was answered while it stopped is there after the start", async (t) => {
    const { server, bot } = await startWorld(t, { people: [] });
    const made = [];
    const working = Array.from({ length: 16 }, async () => {
      for (;;) {
        const answer = await bot.post("/v1/proposals", { action: "refund.issue", arguments: refund() }).catch(() => null);
        if (answer?.status !== 201) {
          assert.ok(answer === null || answer.status === 503, answer?.text);
          return;
        }
        made.push(answer.body);
        if (made.length === 100) {
          server.process.kill("SIGTERM");
        }
      }
    });
    await Promise.all(working);
    assert.equal((await server.exited).code, 0);
    await server.start();
    assert.ok(made.length >= 100);
    for (const proposal of made) {
      assert.equal((await read(bot, proposal)).id, proposal.id);
    }
  });

  test("parked waits are answered with what is, streams end, nobody new comes in", async (t) => {
    const { server, bot, ana } = await startWorld(t);
    const [first, second] = [await propose(bot), await propose(bot)];
    const parked = [read(bot, first, "60s"), read(bot, second, "60s")];
    const stream = await ana.stream();
    await stream.next(({ event }) => event === "hello");
    const late = await halfSent(server, bot); // holds the server up while we look
    for (let waits = ""; waits !== "2"; ) {
      const { text } = await (await adminOf(server)).get("/metrics");
      waits = /^fermata_parked_waits (\d+)$/m.exec(text)[1];
    }
    await terminate(server);
    for (const answer of await Promise.all(parked)) {
      assert.deepEqual([answer.status, answer.permit], ["pending", null]);
    }
    await stream.ended; // while the server still lives: `late` holds it up
    await assert.rejects(fetch(`${server.url}/healthz`), "nobody listens any more");
    late.finish();
    assert.match(await late.ended, /^HTTP\/1\.1 201 /);
    assert.equal((await server.exited).code, 0);
    assert.match(server.log, /"event":"server\.stopped","ms":\d+/);
  });

  test("a client that never finishes does not hold it up for longer than the bound", async (t) => {
    const { server, bot } = await startWorld(t, { people: [] });
    const stuck = await halfSent(server, bot);
    await read(bot, await propose(bot));
    const begun = await terminate(server);
    assert.equal((await server.exited).code, 0);
    assert.ok(Date.now() - begun < DRAIN_MS + 10_000, `${Date.now() - begun} ms`);
    assert.equal(await stuck.ended, "", "it was cut, not answered");
  });
});

/* An admin of the server, made once. */
async function adminOf(server) {
  server.watcher ??= server.person("watcher", ["admin"]);
  return server.watcher;
}
