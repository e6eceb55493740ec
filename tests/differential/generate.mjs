// SPDX-License-Identifier: Apache-2.0
//
// Expressions of CEL from a seed: mostly well typed, of limited depth, over the variables below. Each says
// which features it uses, so that an implementation is only asked for what it has.

// Numbers of JSON: a double everywhere.
export const VARIABLES = {
  s: "Grüße, Welt",
  t: "order W2378156",
  words: ["alpha", "beta", "gamma", ""],
  m: { a: "x", b: "", long: "yz" },
  user: { name: "Ana", tags: ["x", "y"], age: 41, note: null, address: { city: "Ulm" } },
  d: 74.5,
  n: 3,
  xs: [1.5, 2, -3],
  yes: true,
  none: [],
};

// Mulberry32: small, and the same everywhere.
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

const INTS = ["0", "1", "2", "3", "-1", "7", "10", "42", "-17", "1000", "9223372036854775807",
  "-9223372036854775808", "4611686018427387904", "0x1F"];
const UINTS = ["0u", "1u", "2u", "3u", "42u", "18446744073709551615u", "0xFFu"];
const DOUBLES = ["0.0", "1.0", "1.5", "-2.25", "0.1", "100.0", "1e3", "1e100", "-0.5", "3.0"];
const STRINGS = ["''", "'a'", "'ab'", "'abc'", "\"x\"", "'Grüße'", "'😀'", "'alpha'", "'Ana'", "r'a\\b'",
  "'line\\nbreak'", "'\\u00fc'", "'12'", "'-3'", "'1.5'", "'true'", "'A B'", "'''q'q'''"];
const BYTES = ["b''", "b'abc'", "b'\\xff'", "b'\\101'", "b'ü'"];
const TIMES = ["timestamp('2026-11-22T10:24:35Z')", "timestamp('2009-02-13T23:31:30Z')",
  "timestamp('2024-02-29T23:59:59.5Z')", "timestamp('1969-12-31T23:59:59Z')",
  "timestamp('2026-03-29T02:30:00+02:00')", "timestamp(1000000000)"];
const SPANS = ["duration('1s')", "duration('90m')", "duration('-3h')", "duration('1.5s')",
  "duration('24h')", "duration('250ms')"];
const ZONES = ["'UTC'", "'Europe/Berlin'", "'America/New_York'", "'Asia/Kolkata'", "'Australia/Sydney'",
  "'America/St_Johns'", "'+02:00'"];
const PATTERNS = ["'a'", "'^a'", "'b$'", "'[a-z]+'", "'W[0-9]{4,9}'", "'(a|b)*c'", "'x?'", "'ü'", "'\\\\d+'"];
const GETTERS = ["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
  "getHours", "getMinutes", "getSeconds", "getMilliseconds"];
const TYPES = ["int", "uint", "double", "bool", "string", "bytes", "time", "span", "ints", "strings", "map"];

class Maker {
  constructor(seed) {
    this.random = randomOf(seed);
    this.features = new Set();
    this.scope = []; // {name, type}
  }

  below(n) {
    return Math.floor(this.random() * n);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  use(feature, text) {
    this.features.add(feature);
    return text;
  }

  // A variable of a macro, or nothing.
  local(type) {
    const fitting = this.scope.filter((one) => one.type === type);
    return fitting.length && this.random() < 0.6 ? this.pick(fitting).name : null;
  }

  make(type, depth) {
    const local = this.local(type);
    if (local) return local;
    if (depth > 0 && this.random() < 0.08) {
      return `(${this.make("bool", depth - 1)} ? ${this.make(type, depth - 1)} : ${this.make(type, depth - 1)})`;
    }
    return this[type](depth);
  }

  infix(type, operators, depth) {
    return `(${this.make(type, depth - 1)} ${this.pick(operators)} ${this.make(type, depth - 1)})`;
  }

  int(depth) {
    if (depth <= 0) return this.pick(INTS);
    const a = (type) => this.make(type, depth - 1);
    switch (this.below(13)) {
      case 0: case 1: case 2: return this.infix("int", ["+", "-", "*", "/", "%"], depth);
      case 3: return `size(${a(this.pick(["string", "ints", "strings", "map", "bytes"]))})`;
      case 4: return `${a(this.pick(["string", "strings"]))}.size()`;
      case 5: return `int(${a(this.pick(["uint", "double", "string", "int"]))})`;
      case 6: return `${a("ints")}[${this.pick(["0", "1", "2"])}]`;
      case 7: return `${a("time")}.${this.pick(GETTERS)}()`;
      case 8: return this.use("zones", `${a("time")}.${this.pick(GETTERS)}(${this.pick(ZONES)})`);
      case 9: return `${a("span")}.${this.pick(["getHours", "getMinutes", "getSeconds"])}()`;
      case 10: return `-(${a("int")})`;
      case 11: return this.use("positions", `${a("string")}.indexOf(${a("string")})`);
      default: return this.pick(INTS);
    }
  }

  uint(depth) {
    if (depth <= 0) return this.pick(UINTS);
    switch (this.below(5)) {
      case 0: case 1: return this.infix("uint", ["+", "-", "*", "/", "%"], depth);
      case 2: return `uint(${this.make(this.pick(["int", "double"]), depth - 1)})`;
      default: return this.pick(UINTS);
    }
  }

  double(depth) {
    if (depth <= 0) return this.pick([...DOUBLES, "d", "n"]);
    switch (this.below(8)) {
      case 0: case 1: case 2: return this.infix("double", ["+", "-", "*", "/"], depth);
      case 3: return `double(${this.make(this.pick(["int", "uint", "string"]), depth - 1)})`;
      case 4: return `xs[${this.pick(["0", "1", "2", "3"])}]`;
      case 5: return this.pick(["user.age", "user['age']", "d", "n"]);
      default: return this.pick(DOUBLES);
    }
  }

  string(depth) {
    if (depth <= 0) return this.pick([...STRINGS, "s", "t"]);
    const a = (type) => this.make(type, depth - 1);
    switch (this.below(12)) {
      case 0: case 1: return this.infix("string", ["+"], depth);
      case 2: return `string(${a(this.pick(["int", "uint", "string", "bool", "bytes"]))})`;
      case 3: return `string(${a(this.pick(["double", "span", "time"]))})`;
      case 4: return `${a("strings")}[${this.pick(["0", "1", "2"])}]`;
      case 5: return this.pick(["m.a", "m.b", "m['long']", "m.absent", "user.name", "user.address.city"]);
      case 6: return `${a("map")}[${a("string")}]`;
      case 7: return this.use("positions", `${a("string")}.substring(${this.pick(["0", "1", "2"])})`);
      case 8: return this.use("join", `${a("strings")}.join(${this.pick(["", "','"])})`);
      case 9: return this.use("case", `${a("string")}.${this.pick(["lowerAscii", "upperAscii", "trim"])}()`);
      default: return this.pick([...STRINGS, "s", "t"]);
    }
  }

  bytes(depth) {
    if (depth <= 0) return this.pick(BYTES);
    switch (this.below(4)) {
      case 0: return this.infix("bytes", ["+"], depth);
      case 1: return `bytes(${this.make("string", depth - 1)})`;
      default: return this.pick(BYTES);
    }
  }

  time(depth) {
    if (depth <= 0 || this.random() < 0.5) return this.pick(TIMES);
    return `(${this.make("time", depth - 1)} ${this.pick(["+", "-"])} ${this.make("span", depth - 1)})`;
  }

  span(depth) {
    if (depth <= 0 || this.random() < 0.4) return this.pick(SPANS);
    if (this.random() < 0.3) return this.infix("time", ["-"], depth);
    return this.infix("span", ["+", "-"], depth);
  }

  list(item, depth) {
    return `[${Array.from({ length: this.below(4) }, () => this.make(item, depth - 1)).join(", ")}]`;
  }

  ints(depth) {
    if (depth <= 0) return this.pick(["[1, 2, 3]", "[0]", "[5, -5]"]);
    switch (this.below(6)) {
      case 0: return this.infix("ints", ["+"], depth);
      case 1: return this.macro("map", this.pick(["ints", "strings"]), "int", depth);
      case 2: return this.macro("filter", "ints", "bool", depth);
      case 3: return this.mapped(depth);
      default: return this.list("int", depth);
    }
  }

  strings(depth) {
    if (depth <= 0) return this.pick(["words", "['a', 'b']", "none", "user.tags"]);
    switch (this.below(7)) {
      case 0: return this.infix("strings", ["+"], depth);
      case 1: return this.macro("map", this.pick(["ints", "strings"]), "string", depth);
      case 2: return this.macro("filter", "strings", "bool", depth);
      case 3: return this.use("split", `${this.make("string", depth - 1)}.split(${this.pick(["','", "' '", "'a'"])})`);
      case 4: return "words";
      default: return this.list("string", depth);
    }
  }

  map(depth) {
    if (depth <= 0) return this.pick(["m", "{'a': 'b'}"]);
    const names = ["'a'", "'b'", "'x'", "'key'"].slice(0, this.below(4));
    return `{${names.map((name) => `${name}: ${this.make("string", depth - 1)}`).join(", ")}}`;
  }

  // list.name(v, body)
  macro(name, over, result, depth) {
    const item = over === "ints" ? "int" : "string";
    const range = this.make(over, depth - 1);
    const variable = `v${this.scope.length}`;
    this.scope.push({ name: variable, type: item });
    const body = this.make(result, depth - 1);
    this.scope.pop();
    return `${range}.${name}(${variable}, ${body})`;
  }

  // list.map(v, filter, body)
  mapped(depth) {
    const range = this.make("ints", depth - 1);
    const variable = `v${this.scope.length}`;
    this.scope.push({ name: variable, type: "int" });
    const text = `${range}.map(${variable}, ${this.make("bool", depth - 1)}, ${this.make("int", depth - 1)})`;
    this.scope.pop();
    return text;
  }

  bool(depth) {
    if (depth <= 0) return this.pick(["true", "false", "yes", "has(m.a)", "has(m.absent)", "has(user.note)"]);
    const a = (type) => this.make(type, depth - 1);
    switch (this.below(16)) {
      case 0: case 1: return `(${a("bool")} ${this.pick(["&&", "||"])} ${a("bool")})`;
      case 2: return `!(${a("bool")})`;
      case 3: case 4: return this.compare(depth);
      case 5: {
        const type = this.pick(TYPES);
        return `(${a(type)} ${this.pick(["==", "!="])} ${a(type)})`;
      }
      case 6: return `(${a(this.pick(["int", "uint", "double"]))} ${this.pick(["<", "<=", ">", ">="])} ` +
        `${a(this.pick(["int", "uint", "double"]))})`;
      case 7: return `(${a("int")} in ${a("ints")})`;
      case 8: return `(${a("string")} in ${a(this.pick(["strings", "map"]))})`;
      case 9: return `${a("string")}.${this.pick(["contains", "startsWith", "endsWith"])}(${a("string")})`;
      case 10: return `${a("string")}.matches(${this.pick(PATTERNS)})`;
      case 11: return this.macro(this.pick(["all", "exists", "exists_one"]), this.pick(["ints", "strings"]), "bool", depth);
      case 12: return `(type(${a(this.pick(TYPES))}) == ${this.pick(["int", "string", "list", "map", "bool", "double"])})`;
      case 13: return `(d ${this.pick(["<", ">", ">=", "=="])} ${this.pick(["74.5", "74", "75u", "100.0"])})`;
      case 14: return this.pick(["(user.note == null)", "has(user.address.city)", "has(user.absent.city)",
        "bool('true')", "user.tags.exists(g, g == 'x')", "xs.all(x, x > -10.0)", "m.all(k, k != 'b')"]);
      default: return this.pick(["true", "false", "yes"]);
    }
  }

  compare(depth) {
    const type = this.pick(["int", "uint", "double", "string", "bytes", "time", "span", "bool"]);
    return `(${this.make(type, depth - 1)} ${this.pick(["<", "<=", ">", ">=", "==", "!="])} ${this.make(type, depth - 1)})`;
  }
}

// One expression: {text, features, type}.
export function makeExpression(seed) {
  const maker = new Maker(seed);
  const type = maker.random() < 0.5 ? "bool" : maker.pick(TYPES);
  const text = maker.make(type, 1 + maker.below(4));
  return { seed, text, type, features: maker.features };
}
