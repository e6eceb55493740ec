// SPDX-License-Identifier: Apache-2.0
/*
 * Client routes over the history API. The URL holds which page, which filters and which row is
 * selected; never a payload, claim or secret.
 */
import { signal } from "@preact/signals";

export interface Place {
    readonly path: string;
    readonly search: URLSearchParams;
}

const read = (): Place => ({
    path: location.pathname,
    search: new URLSearchParams(location.search),
});

export const place = signal<Place>(read());

/* The page that a proposal was opened from, with its query: the way back. Empty: by a link from outside. */
export const cameFrom = signal("");

addEventListener("popstate", () => {
    place.value = read();
});

/* Goes to `url` (same origin, starting with a slash); with `replace`, without a new entry. */
export function go(url: string, replace = false): void {
    const { path } = place.value;
    if (openedId(url) !== null && openedId(path) === null) {
        cameFrom.value = path + location.search;
    }
    history[replace ? "replaceState" : "pushState"](null, "", url);
    place.value = read();
}

/* The URL of the present page with some members of its query changed; null removes one. */
export function withQuery(changed: Readonly<Record<string, string | null>>): string {
    const search = new URLSearchParams(place.value.search);
    for (const [name, value] of Object.entries(changed)) {
        if (value === null || value === "") {
            search.delete(name);
        } else {
            search.set(name, value);
        }
    }
    const text = search.toString();
    return place.value.path + (text === "" ? "" : `?${text}`);
}

/* The id in `/p/{id}`, or null on another page. */
export function openedId(path: string): string | null {
    const id = /^\/p\/([A-Za-z0-9_]+)$/.exec(path)?.[1];
    return id ?? null;
}

/* Follows plain clicks on links of the page itself; everything else is left to the browser. */
export function followLink(event: MouseEvent): void {
    const link = (event.target as Element | null)?.closest?.("a[href^='/']");
    const modified = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || event.button !== 0 || modified || event.defaultPrevented) {
        return;
    }
    const href = link.getAttribute("href") ?? "";
    if (href.startsWith("/v1/") || link.hasAttribute("download") || link.hasAttribute("target")) {
        return;
    }
    event.preventDefault();
    go(href);
}
