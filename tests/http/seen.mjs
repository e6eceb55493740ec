// SPDX-License-Identifier: Apache-2.0
/*
 * After a whole run: which of the answers that docs/openapi.yaml declares did no test meet? What the
 * document promises and nobody has seen may not exist.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { declaredAnswers } from "./contract.mjs";

/* No call of this version leads there for certain; errors.test.mjs says why. */
const NOT_TO_BE_MET = /(schema|conflict-of-interest|overloaded|internal)$/;

/* Met in ways that contract.mjs does not see, or only at a moment that cannot be chosen. */
const ELSEWHERE = new Set([
  "followStream 200", // a stream: stream.test.mjs
  "followProposal 200", // a stream: events.test.mjs
  "isReady 503", // while starting or stopping
  "reviewAccess 413 too-large", // beyond 50,000 lines: a smaller limit stands in no configuration
  "readBundle 413 too-large", // beyond 24 MiB: tests/unit/insights/bundle_test.c has a smaller limit
  "readCheckpoint 404 not-found", // in the first moment of a new store
]);

/* `folder` has one file for each process, written by contract.mjs. */
export function unseen(folder) {
  const seen = new Set(readdirSync(folder).flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n")));
  return declaredAnswers.filter((each) => !seen.has(each) && !ELSEWHERE.has(each) && !NOT_TO_BE_MET.test(each));
}
