// SPDX-License-Identifier: Apache-2.0
/*
 * Fenced blocks of a Markdown file, with the mark in the comment above each: {language, text, line, mark,
 * argument}. A mark that is not known, or that no block follows, is an error: a typo must not switch a test off.
 */
const MARKS = new Set(["skip", "output", "approving", "fails", "until", "file", "as"]);
const FENCE = /^( *)```(\w*)\s*$/;
const MARK = /^ *<!-- test: (\w+)(?: (.*?))? *-->\s*$/;

/* The mark in a line: [mark, argument]. */
function markOf(line, at) {
  const [, mark, argument] = MARK.exec(line);
  if (!MARKS.has(mark)) {
    throw new Error(`${at}: there is no mark ${mark}`);
  }
  if (["skip", "fails", "until", "file", "as"].includes(mark) && !argument) {
    throw new Error(`${at}: ${mark} wants more: a reason, a code, a text or a name`);
  }
  return { mark, argument };
}

/* Every block of the text, in order. `name` is for messages. */
export function blocksOf(text, name) {
  const lines = text.split("\n");
  const blocks = [];
  let marked = null;
  for (let i = 0; i < lines.length; i += 1) {
    if (MARK.test(lines[i])) {
      marked = markOf(lines[i], `${name}:${i + 1}`);
      if (!FENCE.test(lines[i + 1] ?? "")) {
        throw new Error(`${name}:${i + 1}: a mark stands on the line before its block`);
      }
      continue;
    }
    const open = FENCE.exec(lines[i]);
    if (!open) {
      continue;
    }
    const end = lines.findIndex((line, at) => at > i && line.trim() === "```");
    if (end < 0) {
      throw new Error(`${name}:${i + 1}: this block does not end`);
    }
    const indent = open[1].length;
    const body = lines.slice(i + 1, end).map((line) => line.slice(indent));
    blocks.push({ language: open[2], text: body.join("\n"), line: i + 1, mark: marked?.mark ?? "", argument: marked?.argument });
    marked = null;
    i = end;
  }
  return blocks;
}

/* Whether `printed` is what `wanted` shows; `...` alone stands for any lines, within a line for any text. */
export function fits(printed, wanted) {
  const escaped = wanted
    .trimEnd()
    .split("\n")
    .map((line) => (line.trim() === "..." ? "\0" : line.split("...").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join(".*")))
    .join("\n")
    .replace(/\0\n?/g, "(?:.*\n)*");
  return new RegExp(`^${escaped}\\n?$`).test(printed.trimEnd() + "\n") || new RegExp(`^${escaped}$`).test(printed.trimEnd());
}
