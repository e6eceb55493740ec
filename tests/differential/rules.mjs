// SPDX-License-Identifier: Apache-2.0
//
// Why two implementations may differ: one rule for each known reason. A rule names the implementation, and
// is one of: `rewrite` (the expression without what is understood differently gives our answer there, too),
// `both` (without it, both give the same), `fold` (the answers are the same after this), or patterns for the
// answers. Nothing else is let through.

// A character of two UTF-16 units becomes one of one.
const withoutPairs = (text) => text.replaceAll("\u{1F600}", "\u20AC");

const withoutFractions = (text) => text.replaceAll("59.5Z", "59Z").replaceAll("'1.5s'", "'2s'").replaceAll("'250ms'", "'3s'");

const withoutLetters = (text) => text.replaceAll(/\bs\b/g, "'Gruse, Welt'").replaceAll("\u00fc", "u").replaceAll("\\u00fc", "u").replaceAll("\u00df", "s");

const anything = /^/;
const is = (pattern) => (text) => pattern.test(text);

const notFinite = {
  name: "a number of JSON that becomes infinite or NaN is an error here, so that no condition silently fails to match",
  ours: /^error: .*(division by zero|number overflow|the result is not a number|compared with NaN)/,
  text: /\b(d|n|xs|user)\b/,
};

const rules = [
  { of: "@bufbuild/cel", ...notFinite },
  { of: "@marcbachmann/cel-js", ...notFinite },
  // @bufbuild/cel
  {
    of: "@bufbuild/cel", name: "timestamp(int) counts milliseconds there, seconds in the specification",
    rewrite: (text) => text.replaceAll("timestamp(1000000000)", "timestamp('2001-09-09T01:46:40Z')"),
  },
  {
    of: "@bufbuild/cel", name: "has() of a member that is null is false there; the member is there",
    rewrite: (text) => text.replaceAll("has(user.note)", "true"),
  },
  {
    of: "@bufbuild/cel", name: "dividing uints of 2^63 and more is an overflow there",
    theirs: /^error: int overflow during (divide|modulo)/, text: /u\b/,
  },
  {
    of: "@bufbuild/cel", name: "double() of a text that is no number is NaN or a number there",
    ours: /^error: .*double\(\) cannot read/,
  },
  {
    of: "@bufbuild/cel", name: "times as text have 3, 6 or 9 digits behind the point there, as few as needed in cel-go",
    fold: (answer) => answer.replaceAll(/(\.\d*?[1-9])0+(?=[sZ])/g, "$1"),
  },
  {
    of: "@bufbuild/cel", name: "times as text (more digits there) have another length",
    text: /string\(/, both: withoutFractions,
  },
  {
    of: "@bufbuild/cel", name: "in the hour after midnight, a zone's date is a day late there",
    text: /get(Date|Day|Month|FullYear)/, both: (text) => text.replaceAll(/'(Europe|America|Australia)\/\w+'|'UTC'|'\+02:00'/g, "'Asia/Kolkata'"),
  },
  {
    of: "@bufbuild/cel", name: "the negative of the smallest int is no overflow there",
    ours: /^error: .*integer overflow/, text: /-\(-/,
  },
  {
    of: "@bufbuild/cel", name: "int('') is 0 there",
    ours: /^error: .*int\(\) cannot read ''/,
  },
  {
    of: "@bufbuild/cel", name: "positions count UTF-16 units there, code points in the specification",
    both: withoutPairs,
  },
  // @marcbachmann/cel-js
  {
    of: "@marcbachmann/cel-js", name: "int('') is 0 there",
    ours: /^error: .*int\(\) cannot read ''/,
  },
  {
    of: "@marcbachmann/cel-js", name: "an item of an empty list has no type there",
    text: /\[\]/, theirs: /^error: no such overload: -undefined/,
  },
  {
    of: "@marcbachmann/cel-js", name: "an index beyond a list is no error there inside of a map or list",
    text: /[{[].*\]\[\d\]/, ours: /^error: .*index \d+ is out of range/,
  },
  {
    of: "@marcbachmann/cel-js", name: "&& and || do not absorb an overflow there",
    text: /&&|\|\|/, ours: /^(?!error)/, theirs: /^error: integer overflow/,
  },
  {
    of: "@marcbachmann/cel-js", name: "positions count UTF-16 units there, code points in the specification",
    both: withoutPairs,
  },
  {
    of: "@marcbachmann/cel-js", name: "upperAscii() changes letters beyond ASCII there",
    text: /upperAscii/, fold: (answer) => answer.toUpperCase(),
  },
  {
    of: "@marcbachmann/cel-js", name: "what upperAscii() made of letters beyond ASCII is looked at",
    text: /upperAscii/, both: withoutLetters,
  },
  {
    of: "@marcbachmann/cel-js", name: "a difference of times with fractions is wrong by a second there",
    both: withoutFractions,
  },
  {
    of: "@marcbachmann/cel-js", name: "int() of a double beyond 2^63 is no error there",
    ours: /^error: .*range error: int\(\)/,
  },
  {
    of: "@marcbachmann/cel-js", name: "comparing a dynamic value is refused there as ambiguous",
    theirs: /^error: Operator overload .* overlaps with /,
  },
  {
    of: "@marcbachmann/cel-js", name: "bytes have no order there",
    theirs: /^error: no such overload: bytes (<|<=|>|>=) bytes/,
  },
  {
    of: "@marcbachmann/cel-js", name: "int(uint) is missing there",
    theirs: /^error: found no matching overload for 'int\(uint\)'/,
  },
  {
    of: "@marcbachmann/cel-js", name: "string() of times is missing there",
    theirs: /^error: found no matching overload for 'string\(google\.protobuf\.(Timestamp|Duration)\)'/,
  },
  {
    of: "@marcbachmann/cel-js", name: "bytes literals are Latin-1 there, UTF-8 in the specification",
    rewrite: (text) => text.replaceAll("b'ü'", "b'\\xc3\\xbc'"),
  },
  {
    of: "@marcbachmann/cel-js", name: "time zones as offsets are missing in some versions of Node",
    theirs: /^error: Invalid time zone specified: \+02:00/,
  },
  {
    of: "@marcbachmann/cel-js", name: "the negative of the smallest int is no overflow there, nor the smallest int divided by -1",
    ours: /^error: .*integer overflow/, text: /-\(|\/ -1/,
  },
  {
    of: "@marcbachmann/cel-js", name: "string() of bytes that are not UTF-8 is no error there",
    ours: /^error: .*the bytes are not UTF-8/,
  },
  {
    of: "@marcbachmann/cel-js", name: "uint() of a negative double is no error there",
    ours: /^error: .*range error: uint\(\)/,
  },
];

function explains(rule, { expression, ours, theirs, implementation, same, evaluate }) {
  if (rule.of !== implementation.name || !is(rule.text ?? anything)(expression.text)) return false;
  if (rule.rewrite) {
    const text = rule.rewrite(expression.text);
    return text !== expression.text && same(ours, implementation.evaluate(text));
  }
  if (rule.both) {
    const text = rule.both(expression.text);
    return text !== expression.text && same(evaluate(text), implementation.evaluate(text));
  }
  if (rule.fold) return same(rule.fold(ours), rule.fold(theirs));
  return is(rule.ours ?? anything)(ours) && is(rule.theirs ?? anything)(theirs);
}

// All rewritings of one implementation together, for an expression that holds several reasons.
function rewriteAll(text, name, kind) {
  return rules.filter((rule) => rule.of === name && rule[kind]).reduce((t, rule) => rule[kind](t), text);
}

// The difference that is left after all rewritings; null where none is.
function reduced(difference) {
  const { expression, implementation, ours, same, evaluate } = difference;
  const once = rewriteAll(expression.text, implementation.name, "rewrite");
  const text = rewriteAll(once, implementation.name, "both");
  if (text === expression.text) return difference;
  const rest = {
    ...difference, expression: { ...expression, text },
    ours: text === once ? ours : evaluate(text), theirs: implementation.evaluate(text),
  };
  return same(rest.ours, rest.theirs) ? null : rest;
}

// The name of the rule that explains a difference, or null.
export function explain(difference) {
  for (const rule of rules) {
    if (explains(rule, difference)) return rule.name;
  }
  const rest = reduced(difference);
  if (rest === difference) return null;
  return !rest || rules.some((rule) => explains(rule, rest)) ? "several of these" : null;
}
