// SPDX-License-Identifier: Apache-2.0
/*
 * The server's time, as far as the page can know it: the browser's clock corrected by the Date
 * header of the answers. One signal ticks each second for everything that counts down. What
 * decides is always the server's clock; this one only shows.
 */
import { signal } from "@preact/signals";

const TICK_MS = 1000;
/* The Date header has whole seconds and travels: smaller differences are noise. */
const SKEW_FLOOR_MS = 2000;

let skewMs = 0;

/* Now, by the server's clock, in milliseconds since 1970. */
export const serverNow = (): number => Date.now() + skewMs;

export const now = signal(serverNow());

setInterval(() => {
    now.value = serverNow();
}, TICK_MS);

/* Learns the skew from a Date header (RFC 9110 section 6.6.1). */
export function noteServerDate(header: string | null): void {
    const ms = header === null ? Number.NaN : Date.parse(header);
    if (!Number.isNaN(ms)) {
        const skew = ms + 500 - Date.now();
        skewMs = Math.abs(skew) < SKEW_FLOOR_MS ? 0 : skew;
    }
}
