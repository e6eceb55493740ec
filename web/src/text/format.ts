// SPDX-License-Identifier: Apache-2.0
/*
 * Numbers, times and sizes as people read them. Pure; times come in as milliseconds since 1970
 * or as RFC 3339 text. Must never round a value of a proposal: those are shown as they are.
 */

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;

/* `2:10`, `1 h 05 m`, `3 d 4 h`: never negative, seconds only below an hour. */
export function duration(ms: number): string {
    const total = Math.max(0, Math.floor(ms / 1000));
    const seconds = String(total % MINUTE_S).padStart(2, "0");
    if (total < HOUR_S) {
        return `${Math.floor(total / MINUTE_S)}:${seconds}`;
    }
    if (total < DAY_S) {
        const minutes = String(Math.floor((total % HOUR_S) / MINUTE_S)).padStart(2, "0");
        return `${Math.floor(total / HOUR_S)} h ${minutes} m`;
    }
    return `${Math.floor(total / DAY_S)} d ${Math.floor((total % DAY_S) / HOUR_S)} h`;
}

/* A duration in words, for screen readers: `2 minutes 10 seconds`. */
export function spokenDuration(ms: number): string {
    const total = Math.max(0, Math.floor(ms / 1000));
    const units: [number, string][] = [
        [Math.floor(total / DAY_S), "day"],
        [Math.floor((total % DAY_S) / HOUR_S), "hour"],
        [Math.floor((total % HOUR_S) / MINUTE_S), "minute"],
        [total % MINUTE_S, "second"],
    ];
    const told = units.filter(([count]) => count > 0).slice(0, 2);
    return told.length === 0 ? "0 seconds" : told.map(([n, unit]) => plural(n, unit)).join(" ");
}

/* `1 change`, `2 changes`. */
export function plural(count: number, one: string, many = `${one}s`): string {
    return `${integer(count)} ${count === 1 ? one : many}`;
}

/* Thousands in groups: `12,400`. */
export function integer(count: number): string {
    return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/* `812 B`, `1.2 KB`, `3.4 MB` (1 KB = 1024 bytes). */
export function bytes(count: number): string {
    if (count < 1024) {
        return `${count} B`;
    }
    const kib = count / 1024;
    return kib < 1024 ? `${kib.toFixed(1)} KB` : `${(kib / 1024).toFixed(1)} MB`;
}

/* A share of a whole, `93 %`; "-" of nothing. Only a whole whole is 100, only none is 0. */
export function share(part: number, whole: number): string {
    if (whole === 0) {
        return "-";
    }
    const percent = Math.round((100 * part) / whole);
    const honest = part < whole ? Math.min(percent, 99) : percent;
    return `${part > 0 ? Math.max(honest, 1) : honest} %`;
}

/* The first and last hex digits of a digest: `9f3a41c2…e1c1`. */
export function shortDigest(digest: string): string {
    const hex = digest.replace(/^sha256:/, "");
    return hex.length <= 14 ? hex : `${hex.slice(0, 8)}…${hex.slice(-4)}`;
}

/* Milliseconds since 1970, or null for what is no time. */
export function instant(text: string | null | undefined): number | null {
    const ms = text === null || text === undefined ? Number.NaN : Date.parse(text);
    return Number.isNaN(ms) ? null : ms;
}

/* Local time, with the day where it is not today: `14:05:09`, `21 Nov 14:05`. */
export function clockTime(text: string, nowMs: number): string {
    const ms = instant(text);
    if (ms === null) {
        return text;
    }
    const at = new Date(ms);
    const time = at.toTimeString().slice(0, 8);
    if (at.toDateString() === new Date(nowMs).toDateString()) {
        return time;
    }
    const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    return `${day} ${time.slice(0, 5)}`;
}

/* How long ago: `0:12 ago`; `now` within two seconds. */
export function ago(text: string, nowMs: number): string {
    const ms = instant(text);
    if (ms === null) {
        return "";
    }
    return nowMs - ms < 2000 ? "just now" : `${duration(nowMs - ms)} ago`;
}
