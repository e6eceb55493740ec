// SPDX-License-Identifier: Apache-2.0
/* text/format.ts, words.ts, and the router's reading of URLs. */
import {
    ago,
    bytes,
    clockTime,
    duration,
    instant,
    integer,
    plural,
    share,
    shortDigest,
    spokenDuration,
} from "../src/text/format";
import { REASONS, spoken, STATUS, word } from "../src/text/words";
import { assert, table, test } from "./table.mjs";

const S = 1000,
    M = 60 * S,
    H = 60 * M,
    D = 24 * H;

table(
    "durations",
    [
        ["nothing", 0, "0:00"],
        ["past", -5 * S, "0:00"],
        ["seconds are padded", 9 * S, "0:09"],
        ["minutes", 2 * M + 10 * S, "2:10"],
        ["just below an hour", H - 1, "59:59"],
        ["hours", H + 5 * M, "1 h 05 m"],
        ["days", 3 * D + 4 * H, "3 d 4 h"],
    ],
    duration,
);

table(
    "durations in words",
    [
        ["one of each", H + M, "1 hour 1 minute"],
        ["two units at most", D + H + M, "1 day 1 hour"],
        ["nothing", 0, "0 seconds"],
    ],
    spokenDuration,
);

table(
    "shares",
    [
        ["of nothing", [0, 0], "-"],
        ["all", [3, 3], "100 %"],
        ["never 100 for less than all", [9999, 10000], "99 %"],
        ["never 0 for more than none", [1, 10000], "1 %"],
        ["none", [0, 5], "0 %"],
        ["rounded", [58, 61], "95 %"],
    ],
    ([part, of]) => share(part, of),
);

table(
    "sizes",
    [
        ["bytes", 812, "812 B"],
        ["one KB", 1024, "1.0 KB"],
        ["MB", 1_572_864, "1.5 MB"],
    ],
    bytes,
);

table(
    "integers",
    [
        ["small", 7, "7"],
        ["thousands", 12412, "12,412"],
        ["millions", 1234567, "1,234,567"],
        ["a thousand", 1000, "1,000"],
    ],
    integer,
);

test("plurals", () => {
    assert.equal(plural(1, "change"), "1 change");
    assert.equal(plural(0, "change"), "0 changes");
});

test("digests are shortened at both ends", () => {
    assert.equal(shortDigest(`sha256:${"9f3a41c2"}${"0".repeat(52)}e1c1`), "9f3a41c2…e1c1");
    assert.equal(shortDigest("sha256:abc"), "abc");
});

test("times", () => {
    const now = Date.parse("2026-11-22T10:00:12.000Z");
    assert.equal(ago("2026-11-22T10:00:00.000Z", now), "0:12 ago");
    assert.equal(ago("2026-11-22T10:00:11.500Z", now), "just now");
    assert.equal(ago("nonsense", now), "");
    assert.equal(instant("nonsense"), null);
    assert.equal(instant(null), null);
    assert.equal(clockTime("nonsense", now), "nonsense");
    assert.match(clockTime("2026-11-22T10:00:00.000Z", now), /^\d\d:\d\d:\d\d$/);
    assert.match(clockTime("2026-11-02T10:00:00.000Z", now), /^2 Nov \d\d:\d\d$/);
});

test("words: unknown ones are shown as they came", () => {
    assert.equal(word(STATUS, "approved"), "Approved");
    assert.equal(word(STATUS, "quarantined"), "quarantined");
    assert.equal(word(STATUS, "toString"), "toString");
    assert.equal(spoken("wrong_amount"), "Wrong amount");
    assert.equal(REASONS.length, 7);
});
