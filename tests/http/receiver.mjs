// SPDX-License-Identifier: Apache-2.0
/*
 * A receiver of callbacks inside the test: what came, in order, and the answers that the test chose.
 *
 *   const receiver = await startReceiver(t);
 *   receiver.answers.push({ status: 503, headers: { "retry-after": "1" } }); // then 204 again
 *   const { headers, body } = await receiver.next();
 */
import http from "node:http";

/* `port`: of one that is closed, to come back in its place. */
export async function startReceiver(t, port = 0) {
  const receiver = { answers: [], received: [], waiting: [] };
  const server = http.createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const { status = 204, headers = {}, text, hang } = receiver.answers.shift() ?? {};
      receiver.received.push({ method: request.method, path: request.url, headers: request.headers, text: `${Buffer.concat(parts)}` });
      receiver.waiting.shift()?.();
      if (!hang) {
        response.writeHead(status, headers).end(text);
      }
    });
  });
  await new Promise((resolve) => {
    server.listen(port, "127.0.0.1", resolve);
  });
  receiver.port = server.address().port;
  receiver.url = `http://127.0.0.1:${receiver.port}`;

  let taken = 0;
  /* The next that comes, or came and was not taken. */
  receiver.next = async () => {
    while (receiver.received.length <= taken) {
      await new Promise((resolve) => {
        receiver.waiting.push(resolve);
      });
    }
    const got = receiver.received[taken++];
    return { ...got, body: JSON.parse(got.text) };
  };
  receiver.close = () => {
    server.closeAllConnections();
    server.close();
  };
  t.after(receiver.close);
  return receiver;
}

/* Asks again until it is so: for what another thread of the server does. */
export async function until(ask, holds, within_ms = 10_000) {
  const over = Date.now() + within_ms;
  for (;;) {
    const got = await ask();
    if (holds(got)) {
      return got;
    }
    if (Date.now() > over) {
      throw new Error(`not so within ${within_ms} ms: ${JSON.stringify(got)}`);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}
