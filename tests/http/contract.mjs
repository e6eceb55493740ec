// SPDX-License-Identifier: Apache-2.0
/*
 * Holds what goes over the wire against docs/openapi.yaml, in both directions: every answer is declared
 * and fits its schema; every request that the server accepted fits the schema of requests; every member
 * that the server did not know is one that the document does not know either.
 *
 * It must never be lenient for a test's convenience: a test that needs an undeclared answer has found a
 * defect of the server or of the document.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import Ajv2020 from "ajv/dist/2020.js";
import { parse } from "yaml";

const ROOT = new URL("../../", import.meta.url);
export const openapi = parse(readFileSync(new URL("docs/openapi.yaml", ROOT), "utf8"));

const METHODS = ["get", "post", "put", "patch", "delete"];
const ajv = new Ajv2020({ strict: false, allErrors: false });
ajv.addSchema(openapi, "openapi");

/* Every operation of the document: {method, path, operation, parameters}. */
export const operations = Object.entries(openapi.paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method]).map((method) => ({
    method: method.toUpperCase(),
    path,
    pattern: patternOf(path),
    operation: item[method],
    at: `#/paths/${escaped(path)}/${method}`,
    parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(resolved),
  })),
);

/* {tile} is the rest of the path: x-spans-segments. */
function patternOf(path) {
  const text = path.replace(/[.]/g, "\\.").replace("{tile}", ".+").replace(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${text}$`);
}

function escaped(name) {
  return encodeURIComponent(name.replace(/~/g, "~0").replace(/\//g, "~1"));
}

function at(pointer) {
  return pointer
    .split("/")
    .slice(1)
    .reduce((node, part) => node[decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~")], openapi);
}

function resolved(node) {
  return node.$ref ? at(node.$ref) : node;
}

/* The pointer of a node, or of what it refers to. */
function pointerOf(pointer) {
  return at(pointer).$ref ?? pointer;
}

const validators = new Map();

/* What is wrong with the value by the schema at the pointer; null when nothing is. */
function faultOf(pointer, value) {
  if (!validators.has(pointer)) {
    validators.set(pointer, ajv.compile({ $ref: `openapi${pointer}` }));
  }
  const validate = validators.get(pointer);
  if (validate(value)) {
    return null;
  }
  return validate.errors.map((error) => `${error.instancePath || "(all)"} ${error.message}`).join("; ");
}

/* The same for a schema by its name, for what does not come as an answer: events, a permit's claims. */
export function schemaFault(name, value) {
  return faultOf(`#/components/schemas/${name}`, value);
}

export function operationOf(method, path) {
  const wanted = method === "HEAD" ? "GET" : method;
  return operations.find((operation) => operation.method === wanted && operation.pattern.test(path));
}

/* The names of errors that an operation declares for a status. */
export function declaredErrors({ operation, at: where }, status) {
  if (!operation.responses[status]) {
    return [];
  }
  const { schema } = at(pointerOf(`${where}/responses/${status}`)).content?.["application/problem+json"] ?? {};
  return (schema?.oneOf ?? [schema]).filter(Boolean).map(({ $ref }) => $ref.split("/problem-")[1]);
}

/* I-JSON has no duplicate members, and JSON.parse does not notice them. */
export function duplicateMember(text) {
  const open = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/g)) {
    if (token === "{" || token === "[") {
      open.push(new Set());
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token.endsWith(":")) {
      const name = JSON.parse(token.slice(0, -1).trimEnd());
      if (open.at(-1).has(name)) {
        return name;
      }
      open.at(-1).add(name);
    }
  }
  return null;
}

/* --- what was seen ------------------------------------------------------------------------------------ */

/* "propose 422 unknown-member": the answers that the document declares. */
export const declaredAnswers = operations.flatMap((each) =>
  Object.keys(each.operation.responses).flatMap((status) => {
    const names = declaredErrors(each, status);
    const { operationId } = each.operation;
    return names.length > 0 ? names.map((name) => `${operationId} ${status} ${name}`) : [`${operationId} ${status}`];
  }),
);

const seen = new Set();
if (process.env.FERMATA_SEEN) {
  // a folder of run.mjs, which looks at the whole
  process.on("exit", () => writeFileSync(join(process.env.FERMATA_SEEN, `${process.pid}`), [...seen].join("\n")));
}

/* --- one exchange ---------------------------------------------------------------------------------- */

class Exchange {
  constructor(request, answer) {
    const [path, search = ""] = request.path.split("?"); // as it is sent: nothing is resolved
    this.request = request;
    this.answer = answer;
    this.query = new URLSearchParams(search);
    this.type = answer.headers["content-type"]?.split(";")[0];
    this.problem = this.type === "application/problem+json" ? answer.body : null;
    this.found = operationOf(request.method, path);
  }

  fail(why) {
    const { method, path, body } = this.request;
    throw new Error(
      `not as docs/openapi.yaml says: ${method} ${path} -> ${this.answer.status}: ${why}\n` +
        `sent: ${JSON.stringify(body)?.slice(0, 600)}\nanswered: ${this.answer.text.slice(0, 1200)}`,
    );
  }

  check(fault, what) {
    if (fault !== null) {
      this.fail(`${what}: ${fault}`);
    }
  }

  note() {
    if (this.found) {
      const name = this.problem ? ` ${this.problem.type.replace("/problems/", "")}` : "";
      seen.add(`${this.found.operation.operationId} ${this.answer.status}${name}`);
    }
  }

  /* Everything in JSON: one value for each name, and a problem's status is the answer's. */
  checkJson() {
    if (this.answer.body === undefined) {
      return;
    }
    const twice = duplicateMember(this.answer.text);
    if (twice !== null) {
      this.fail(`the member ${twice} stands there twice`);
    }
    if (this.problem) {
      this.check(schemaFault("Problem", this.problem), "problem document");
      if (this.problem.status !== this.answer.status) {
        this.fail(`the problem document says status ${this.problem.status}`);
      }
    }
  }

  checkHeaders(response) {
    const { headers } = this.answer;
    const caching = resolved(response.headers?.["Cache-Control"] ?? {}).schema?.const ?? "no-store";
    if (headers["cache-control"] !== caching || (this.type && headers["x-content-type-options"] !== "nosniff")) {
      this.fail(`headers of every answer of the API: ${JSON.stringify(headers)}`);
    }
    for (const [name, node] of Object.entries(response.headers ?? {})) {
      const header = resolved(node);
      const value = headers[name.toLowerCase()];
      if (value === undefined ? header.required : header.schema.const !== undefined && value !== header.schema.const) {
        this.fail(`header ${name}: ${value}`);
      }
    }
  }

  checkAnswer() {
    const where = pointerOf(`${this.found.at}/responses/${this.answer.status}`);
    const response = at(where);
    this.checkHeaders(response);
    if (!response.content) {
      return this.answer.bytes.length > 0 ? this.fail("no body is declared") : undefined;
    }
    if (!response.content[this.type]) {
      this.fail(`content type ${this.type}`);
    }
    if (this.answer.body !== undefined) {
      this.check(faultOf(`${where}/content/${escaped(this.type)}/schema`, this.answer.body), "answer");
    }
  }

  requestFault() {
    const { operation, at: where, parameters } = this.found;
    const unknown = [...this.query.keys()].find(
      (name) => !parameters.some((each) => each.in === "query" && each.name === name),
    );
    if (unknown !== undefined) {
      return `the query parameter ${unknown} is not declared`;
    }
    if (this.request.body === undefined || !operation.requestBody) {
      return null;
    }
    return faultOf(`${pointerOf(`${where}/requestBody`)}/content/application~1json/schema`, this.request.body);
  }

  checkRequest() {
    const fault = this.requestFault();
    if (this.answer.status < 300) {
      this.check(fault, "the server accepted the request");
    } else if (fault === null && this.problem?.type === "/problems/unknown-member") {
      this.fail("the server does not know a member that the document allows");
    }
  }
}

/* Refusals from before the request is looked at: its framing, or its size. */
function isRefusal({ answer, problem }) {
  return [400, 413, 414, 431].includes(answer.status) && problem && answer.headers.connection === "close";
}

/* Throws when the exchange is not as the document says. */
export function checkExchange(request, answer) {
  const exchange = new Exchange(request, answer);
  if (request.method === "HEAD") {
    return;
  }
  exchange.note();
  exchange.checkJson();
  if (!exchange.found || isRefusal(exchange)) {
    if (answer.status >= 400 && !exchange.problem) {
      exchange.fail("an error without a problem document");
    }
    return;
  }
  if (!exchange.found.operation.responses[answer.status]) {
    if (answer.status !== 405) {
      exchange.fail("this status is not declared");
    }
    return;
  }
  exchange.checkAnswer();
  exchange.checkRequest();
}
