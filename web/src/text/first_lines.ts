// SPDX-License-Identifier: Apache-2.0
/*
 * The three lines with which a new agent makes its first proposal, by language. Pure: url and key go
 * in, text comes out. The key is base64url and the origin has no quotes, so both fit between quotes
 * of any of the three. docs/guide/quickstart-*.md say what comes next.
 */
export const LANGUAGES = ["curl", "Python", "JavaScript"] as const;
export type Language = (typeof LANGUAGES)[number];

const ACTION = "hello.say"; // no policy names it: somebody looks at it
const BODY = JSON.stringify({ action: ACTION, arguments: { to: "world", text: "Hello" } });

const LINES: Readonly<Record<Language, (url: string, key: string) => string>> = {
    curl: (url, key) => `curl -sS ${url}/v1/proposals \\
  -H 'Authorization: Bearer ${key}' -H 'Content-Type: application/json' \\
  -d '${BODY}'`,
    Python: (url, key) => `from fermata import Fermata
f = Fermata("${url}", "${key}")
print(f.propose("${ACTION}", {"to": "world", "text": "Hello"})["status"])`,
    JavaScript: (url, key) => `const headers = { Authorization: "Bearer ${key}", "Content-Type": "application/json" };
const answer = await fetch("${url}/v1/proposals", { method: "POST", headers, body: JSON.stringify(${BODY}) });
console.log((await answer.json()).status);`,
};

/* What to do with the lines, and what they need. */
export const HOW: Readonly<Record<Language, string>> = {
    curl: "In a terminal.",
    Python: "In python3, with PYTHONPATH=sdk/python/src in a checkout, or after pip install ./sdk/python.",
    JavaScript: "In first.mjs, then node first.mjs. Node 20 or newer, no packages.",
};

export const firstLines = (language: Language, url: string, key: string): string =>
    LINES[language](url, key);
