// SPDX-License-Identifier: Apache-2.0
/* Tests as tables: each row has a name that says why it is there. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

/* Runs `run(input)` for each row [name, input, want] and compares deeply. */
export function table(title, rows, run) {
    describe(title, () => {
        for (const [name, input, want] of rows) {
            test(name, () => assert.deepEqual(run(input), want));
        }
    });
}

export { assert, describe, test };
