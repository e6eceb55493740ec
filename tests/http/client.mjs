// SPDX-License-Identifier: Apache-2.0
/*
 * An HTTP client for tests: sends exactly what it is told, in any shape, and holds every answer
 * against docs/openapi.yaml (contract.mjs). It must never repair anything: what a client library would
 * hide (a wrong Content-Type, a header too many) is what the tests are about.
 */
import http from "node:http";

import { checkExchange } from "./contract.mjs";

const ANSWER_WITHIN_MS = 130_000; // the longest wait of the API is 120 s

/* One answer. `body` is the parsed JSON, undefined where there is none; headers are in lower case. */
function answerOf(message, bytes) {
  const type = message.headers["content-type"] ?? "";
  const isJson = /^application\/(problem\+)?json$/.test(type) && bytes.length > 0;
  return {
    status: message.statusCode,
    headers: message.headers,
    bytes,
    text: bytes.toString("utf8"),
    body: isJson ? JSON.parse(bytes.toString("utf8")) : undefined,
  };
}

/* The last segment of a problem's type: "already-decided". Undefined for an answer that is none. */
export function problemOf(answer) {
  return answer.headers["content-type"] === "application/problem+json"
    ? answer.body.type.replace("/problems/", "")
    : undefined;
}

/*
 * Sends one request to `origin` and resolves with the answer.
 *   body     a value to be sent as JSON
 *   raw      bytes or text to be sent as they are, instead of `body`
 *   headers  added to, or (with undefined) taken from, those that the other options set
 *   key      Idempotency-Key
 *   signal   an AbortSignal: hangs up
 */
export async function send(origin, agent, method, path, options = {}) {
  const { body, raw, key, signal } = options;
  const bytes = raw !== undefined ? Buffer.from(raw) : body !== undefined ? Buffer.from(JSON.stringify(body)) : null;
  const headers = { ...(bytes && { "content-type": "application/json" }), ...(key && { "idempotency-key": key }) };
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    headers[name.toLowerCase()] = value;
  }
  const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
  if (bytes) {
    sent["content-length"] = bytes.length;
  }
  const answer = await exchange(new URL(origin), { agent, method, path, headers: sent, signal }, bytes);
  checkExchange({ method, path, headers: sent, body, bytes }, answer);
  return answer;
}

function exchange(url, options, bytes) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: url.hostname, port: url.port, timeout: ANSWER_WITHIN_MS, ...options });
    request.on("response", (message) => {
      const parts = [];
      message.on("data", (part) => parts.push(part));
      message.on("error", reject);
      message.on("end", () => resolve(answerOf(message, Buffer.concat(parts))));
    });
    request.on("timeout", () => request.destroy(new Error(`${options.method} ${options.path}: no answer`)));
    request.on("error", reject);
    request.end(bytes ?? undefined);
  });
}

/* Server-sent events as they come. `next` and `none` are the only ways to wait for one. */
export class EventStream {
  #events = [];
  #wake = () => {};
  #text = "";
  #request;

  constructor(request, message) {
    this.#request = request;
    this.headers = message.headers;
    this.status = message.statusCode;
    this.ended = new Promise((resolve) => message.on("close", resolve));
    message.setEncoding("utf8");
    message.on("error", () => {});
    message.on("data", (text) => this.#take(text));
  }

  #take(text) {
    this.#text += text;
    for (let end; (end = this.#text.indexOf("\n\n")) >= 0; this.#text = this.#text.slice(end + 2)) {
      const event = {};
      for (const line of this.#text.slice(0, end).split("\n")) {
        const [name, value] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()];
        event[name || "comment"] = value;
      }
      this.#events.push({ ...event, data: event.data === undefined ? undefined : JSON.parse(event.data) });
    }
    this.#wake();
  }

  /* The first event not yet taken that fits; those before it stay. Rejects after `within_ms`. */
  async next(fits = () => true, within_ms = 10_000) {
    const over = Date.now() + within_ms;
    for (;;) {
      const index = this.#events.findIndex(fits);
      if (index >= 0) {
        return this.#events.splice(index, 1)[0];
      }
      const left = over - Date.now();
      if (left <= 0) {
        throw new Error(`no such event within ${within_ms} ms; seen: ${JSON.stringify(this.#events)}`);
      }
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => (clearTimeout(timer), resolve());
      });
    }
  }

  /* What has come and was not taken. */
  get waiting() {
    return [...this.#events];
  }

  close() {
    this.#request.destroy();
  }
}

/* Opens an event stream; resolves when the head of the answer has come. */
export function openStream(origin, path, headers) {
  const url = new URL(origin);
  return new Promise((resolve, reject) => {
    const request = http.request({ host: url.hostname, port: url.port, path, headers });
    request.on("response", (message) => resolve(new EventStream(request, message)));
    request.on("error", reject);
    request.end();
  });
}
