// SPDX-License-Identifier: Apache-2.0
//
// Two implementations of CEL in JavaScript, and their values as text of the language: 1, 2u, 3.0, 'a', [1].
import { Environment } from "@marcbachmann/cel-js";
import { run } from "@bufbuild/cel";
import { strings } from "@bufbuild/cel/ext";
import { VARIABLES } from "./generate.mjs";

const MARKS = { "\x07": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r" };

function quoted(text) {
  return `'${text.replace(/[\\']/g, "\\$&").replace(/[\x07-\x0d]/g, (c) => MARKS[c])}'`;
}

function doubleText(value) {
  if (!Number.isFinite(value)) return `double('${value}')`;
  const text = Object.is(value, -0) ? "0" : String(value);
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function bytesText(bytes) {
  const shown = (c) => (c >= 0x20 && c < 0x7f && c !== 0x27 && c !== 0x5c
    ? String.fromCharCode(c) : `\\x${c.toString(16).padStart(2, "0")}`);
  return `b'${Array.from(bytes, shown).join("")}'`;
}

function fraction(nanos) {
  return nanos ? `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}` : "";
}

function timeText(seconds, nanos) {
  const day = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `timestamp('${day}${fraction(nanos)}Z')`;
}

// Seconds and nanoseconds of the same sign, or nanoseconds on top.
function spanText(seconds, nanos) {
  const total = BigInt(seconds) * 1000000000n + BigInt(nanos);
  const size = total < 0n ? -total : total;
  return `duration('${total < 0n ? "-" : ""}${size / 1000000000n}${fraction(Number(size % 1000000000n))}s')`;
}

function scalarText(value) {
  if (value === null) return "null";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return doubleText(value);
  if (typeof value === "string") return quoted(value);
  return value instanceof Uint8Array ? bytesText(value) : undefined;
}

const items = (list, text) => `[${list.map(text).join(", ")}]`;
const entries = (list, text) => `{${list.map(([key, value]) => `${text(key)}: ${text(value)}`).join(", ")}}`;

function marcText(value) {
  const scalar = scalarText(value);
  if (scalar !== undefined) return scalar;
  const kind = value.constructor?.name ?? "Object";
  if (kind === "UnsignedInt") return `${value.valueOf()}u`;
  if (kind === "Duration") return spanText(value.seconds, value.nanos ?? 0);
  if (kind === "Type") return String(value.name ?? value);
  if (value instanceof Date) return timeText(Math.floor(value.getTime() / 1000), (((value.getTime() % 1000) + 1000) % 1000) * 1e6);
  if (Array.isArray(value)) return items(value, marcText);
  if (value instanceof Set) return items([...value], marcText);
  return entries(value instanceof Map ? [...value] : Object.entries(value), marcText);
}

function bufText(value) {
  const scalar = scalarText(value);
  if (scalar !== undefined) return scalar;
  if (value.kind !== undefined && typeof value.name === "string") return value.name;
  if (value.message?.$typeName === "google.protobuf.Timestamp") return timeText(value.message.seconds, value.message.nanos);
  if (value.message?.$typeName === "google.protobuf.Duration") return spanText(value.message.seconds, value.message.nanos);
  if (typeof value.value === "bigint") return `${value.value}u`;
  if (typeof value.entries === "function" && typeof value.get === "function" && typeof value.has === "function" &&
    !Array.isArray(value) && String(Object.getOwnPropertySymbols(value)[0]).includes("map")) {
    return entries([...value.entries()], bufText);
  }
  return items([...value], bufText);
}

const marcEnv = new Environment({
  unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false, enableOptionalTypes: true,
});

// An error's message begins with "error: "; everything else is a value.
export const implementations = [
  {
    name: "@bufbuild/cel",
    lacks: new Set([]),
    evaluate(text) {
      try {
        const value = run(text, VARIABLES, { funcs: strings });
        return value instanceof Error || value?.constructor?.name === "CelError" || value?.[Symbol.for("@bufbuild/cel/error")]
          ? `error: ${value.message}` : bufText(value);
      } catch (error) {
        return `error: ${error.message.split("\n")[0]}`;
      }
    },
  },
  {
    name: "@marcbachmann/cel-js",
    lacks: new Set([]),
    evaluate(text) {
      try {
        return marcText(marcEnv.evaluate(text, VARIABLES));
      } catch (error) {
        return `error: ${error.message.split("\n")[0]}`;
      }
    },
  },
];
