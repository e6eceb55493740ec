// SPDX-License-Identifier: Apache-2.0
/*
 * A36: callbacks as a way inside. Listeners on loopback (IPv4 and IPv6, the server's own port among
 * them) count who connects; an agent whose hosts are all registered tries 80 URLs and more that other
 * programs would take there: decimal, octal and hexadecimal addresses, mapped ones, names that resolve
 * inside, users, fragments, other schemes, odd ports, plain http, redirects. Nobody may connect.
 *
 * What is accepted is made to be called back at once (the agent withdraws its proposal), and must end as
 * refused by address or not resolve. Then the same listeners are called with --callback-allow, which
 * shows that they listen; and there a redirect to inside is not followed.
 *
 *   node tests/attack/ssrf.mjs
 */
import http from "node:http";
import net from "node:net";
import { hostname } from "node:os";

import { until } from "../http/receiver.mjs";
import { Server } from "../http/server.mjs";

const score = { passed: 0, failed: 0 };
function check(name, holds, detail = "") {
  score[holds ? "passed" : "failed"] += 1;
  if (!holds) {
    console.log(`FAILED ${name}: ${detail}`);
  }
}

/* --- who listens inside ----------------------------------------------------------------------------- */

const inside = []; // connections that were made

function listen(host, port) {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => {
      inside.push(`${host}:${server.address().port}`);
      socket.on("error", () => {});
      socket.end("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
    });
    server.on("error", () => resolve(null)); // no IPv6 here, or a port that is taken
    server.listen(port, host, () => resolve(server));
  });
}

const first = await listen("127.0.0.1", 0);
const port = first.address().port;
const listeners = [first, await listen("127.0.0.2", port), await listen("::1", port)];
const noIpv6 = listeners[2] === null;

/* --- what is tried ------------------------------------------------------------------------------------ */

/* Hosts in every spelling that means this machine or something inside to somebody. */
const HOSTS = [
  "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.000.000.001", "127.0.0.1.", "0177.0.0.1", "0177.1",
  "0x7f.0.0.1", "0x7f000001", "0x7F.1", "2130706433", "017700000001", "4294967295", "127.0.0.0x1",
  "0", "0.0.0.0", "00.0.0.0", "localhost", "localhost.", "LOCALHOST", "localhost.localdomain", "ip6-localhost",
  hostname(), "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "169.254.169.254",
  "169.254.170.2", "192.0.0.192", "198.18.0.1", "192.0.2.1", "203.0.113.7", "224.0.0.1", "255.255.255.255",
  "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
  "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%25lo]",
  "[fd00:ec2::254]", "[fc00::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[::1", "::1", "[127.0.0.1]",
  "127.0.0.1%00.agent.example", "127。0。0。1", "①②⑦.⓪.⓪.①", "loc\u00adalhost", "ｌｏｃａｌｈｏｓｔ", "xn--n3h", "metadata.google.internal",
];
/* Whole URLs; H stands for the host and port of the listener. */
const URLS = [
  "http://H/", "HTTPS://H/", "https:/H/", "https:H/", "https:///H/", "https:\\\\H\\", "//H/",
  "https://agent.example@H/", "https://agent.example:x@H/", "https://H#agent.example", "https://H\\@agent.example/",
  "https://agent.example\\@H/", "https://H?agent.example", "https://agent.example#@H/", "https://agent.example%40H/",
  "file:///etc/passwd", "gopher://H/_POST", "dict://H/stat", "ftp://H/", "ldap://H/", "tftp://H/x", "data:text/plain,x",
  "javascript:fetch('http://H')", "unix:///run/docker.sock", "https://127.0.0.1:22/", "https://127.0.0.1:25/",
  "https://127.0.0.1:0/", "https://127.0.0.1:65536/", "https://127.0.0.1:-1/", "https://127.0.0.1:+443/",
  "https://127.0.0.1:443 /", "https://127.0.0.1:\t443/", "https://H/\r\nHost: inside", " https://H/", "https://H /",
];
const hostPart = (host) => `https://${host}:${port}/hook`;
const tries = [...HOSTS.map(hostPart), ...HOSTS.map((host) => `http://${host}:${port}/`), ...URLS.map((url) => url.replaceAll("H", `127.0.0.1:${port}`))];

/* As many of them as may be registered are. */
const REGISTERED = ["127.0.0.1", "127.0.0.2", "::1", "::", "localhost", "ip6-localhost", "localhost.localdomain", hostname().toLowerCase(),
  "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "metadata.google.internal", "agent.example", "2130706433", "0x7f000001"];

async function start(args) {
  const server = await new Server({ args }).start();
  await server.addPerson("lea", ["lead"]);
  const lead = await server.signIn("lea");
  const made = await server.cli("agent", "add", "bot", "--owner", "lea", ...REGISTERED.flatMap((host) => ["--host", host]));
  return { server, lead, agent: await server.key("bot", made.id) };
}

/* Proposes with the URL, and withdraws. Whether it was taken. */
async function tell({ agent }, url) {
  const made = await agent.post("/v1/proposals", { action: "a.b", arguments: {}, callback: { url } });
  if (made.status !== 201) {
    check(`${url} is refused with its pointer`, made.status === 422 && made.text.includes("/callback/url"), `${made.status} ${made.text}`);
    return null;
  }
  await agent.post(`/v1/proposals/${made.body.id}/withdraw`);
  return made.body.id;
}

const all = async ({ lead }) => (await lead.get("/v1/webhooks?limit=200")).body.items;
const tried = (rows) => rows.every(({ status, attempts }) => status !== "pending" || attempts > 0);

/* --- nothing is allowed -------------------------------------------------------------------------------- */

const closed = await start([]);
tries.push(`${closed.server.url.replace("http:", "https:")}/v1/proposals`, `${closed.server.url}/healthz`);
let taken = 0;
for (const url of tries) {
  taken += (await tell(closed, url)) !== null;
}
for (const { host, status, last_error: error } of await until(() => all(closed), tried, 30_000)) {
  const ended = (error === "address" && status === "dead") || error === "name";
  check(`a callback to ${host} ends at its address`, ended, `${status} ${error}`);
}
check("some URLs came as far as an attempt: names that resolve inside", taken >= 2, `${taken}`);
check(`${tries.length} URLs, no connection inside`, tries.length >= 80 && inside.length === 0, inside.join(" "));
await closed.server.remove();

/* --- one network is allowed ------------------------------------------------------------------------------ */

const opened = await start(["--callback-allow", "127.0.0.2/32"]);
await tell(opened, `http://127.0.0.2:${port}/`);
await until(() => all(opened), ([row]) => row.status === "delivered");
check("the listeners listen: an allowed network is reached", inside.length === 1 && inside[0] === `127.0.0.2:${port}`, inside.join(" "));
for (const url of [`http://127.0.0.1:${port}/`, `https://localhost:${port}/`, `http://localhost:${port}/`, `https://[::1]:${port}/`]) {
  await tell(opened, url);
}
await until(() => all(opened), tried);
check("and nothing besides it", inside.length === 1, inside.join(" "));

/* A receiver that sends the server on, to inside. */
for (const [status, to] of [301, 302, 303, 307, 308].map((code) => [code, `http://127.0.0.1:${port}/`])) {
  const redirecting = http.createServer((_, response) => response.writeHead(status, { location: to }).end());
  await new Promise((resolve) => {
    redirecting.listen(0, "127.0.0.2", resolve);
  });
  const id = await tell(opened, `http://127.0.0.2:${redirecting.address().port}/`);
  const [row] = await until(() => all(opened), ([newest]) => newest.proposal === id && newest.attempts > 0);
  check(`a ${status} is not followed`, row.last_error === "redirect" && inside.length === 1, `${row.last_error} ${inside}`);
  redirecting.closeAllConnections();
  redirecting.close();
}

/* --- nor does the environment lead anywhere -------------------------------------------------------------- */

const proxy = `http://127.0.0.1:${port}`;
const led = new Server({ env: { http_proxy: proxy, https_proxy: proxy, ALL_PROXY: proxy, HTTPS_PROXY: proxy } });
await led.start();
await led.addPerson("lea", ["lead"]);
const lead = await led.signIn("lea");
const made = await led.cli("agent", "add", "bot", "--owner", "lea", "--host", "localhost");
const agent = await led.key("bot", made.id);
await tell({ agent }, `https://localhost:${port}/`);
await until(() => all({ lead }), tried);
check("a proxy of the environment is not used", inside.length === 1, inside.join(" "));

await led.remove();
await opened.server.remove();
listeners.forEach((listener) => listener?.close());
console.log(`${tries.length} URLs, ${taken} taken as URLs, ${inside.length - 1} connections inside${noIpv6 ? " (no IPv6 here)" : ""}`);
console.log(`${score.passed} passed, ${score.failed} failed`);
process.exit(score.failed > 0 ? 1 : 0);
