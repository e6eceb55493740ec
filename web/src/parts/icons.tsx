// SPDX-License-Identifier: Apache-2.0
/*
 * Icons as small SVG paths of our own, 16 by 16, in the colour of the text. Decorative always:
 * whatever an icon says stands beside it in words.
 */
const PATHS = {
    clock: "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm0 1.5a5 5 0 1 0 0 10A5 5 0 0 0 8 3Zm.75 1.8v2.9l2 1.2-.75 1.25-2.75-1.65V4.8h1.5Z",
    warn: "M8 1.2 15.4 14.3H.6L8 1.2Zm0 3L3.2 12.8h9.6L8 4.2Zm-.75 2.9h1.5v3h-1.5v-3Zm0 3.8h1.5v1.3h-1.5v-1.3Z",
    late: "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13Zm-.8 2.9.2 4.7h1.2l.2-4.7H7.2ZM8 10a.95.95 0 1 0 0 1.9A.95.95 0 0 0 8 10Z",
    check: "M6.3 12.6 1.9 8.2l1.2-1.2 3.2 3.2 6.6-6.7 1.2 1.2-7.8 7.9Z",
    cross: "m4 2.9 4 4 4-4L13.1 4l-4 4 4 4L12 13.1l-4-4-4 4L2.9 12l4-4-4-4L4 2.9Z",
    ask: "M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13ZM8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3Zm.7 7.2v1.4H7.2v-1.4h1.5ZM8 4.3c1.4 0 2.4.8 2.4 2 0 .9-.5 1.3-1 1.7-.5.4-.7.6-.7 1.2H7.2c0-1.3.6-1.7 1.1-2.1.4-.3.6-.4.6-.8s-.3-.7-.9-.7-.9.3-1 .9l-1.4-.3c.1-1.2 1-1.9 2.4-1.9Z",
    edit: "m11.4 1.7 2.9 2.9-8.5 8.5-3.7.8.8-3.7 8.5-8.5Zm0 2.1L4.3 10.9l-.3 1.1 1.1-.3 7.1-7.1-.8-.8Z",
    eye: "M8 3.2c3.2 0 5.7 2 7.2 4.8-1.5 2.8-4 4.8-7.2 4.8S2.3 10.8.8 8C2.3 5.2 4.8 3.2 8 3.2Zm0 1.5C5.7 4.7 3.8 6 2.5 8c1.3 2 3.2 3.3 5.5 3.3s4.2-1.3 5.5-3.3C12.2 6 10.3 4.7 8 4.7Zm0 1.2a2.1 2.1 0 1 1 0 4.2 2.1 2.1 0 0 1 0-4.2Z",
    lock: "M8 1.2a3.5 3.5 0 0 1 3.5 3.5v1.8H13v8H3v-8h1.5V4.7A3.5 3.5 0 0 1 8 1.2Zm0 1.5a2 2 0 0 0-2 2v1.8h4V4.7a2 2 0 0 0-2-2ZM4.5 8v5h7V8h-7Z",
    back: "m9.5 2.9 1.1 1.1L6.7 8l3.9 4-1.1 1.1L4.5 8l5-5.1Z",
    forward: "M6.5 13.1 5.4 12l3.9-4-3.9-4 1.1-1.1 5 5.1-5 5.1Z",
    undo: "M6.2 2.3 7.3 3.4 5.5 5.2H9a4.4 4.4 0 0 1 0 8.8H5v-1.5h4a2.9 2.9 0 0 0 0-5.8H5.5l1.8 1.8-1.1 1.1L2.6 6l3.6-3.7Z",
    more: "M3 6.7a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6Zm5 0a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6Zm5 0a1.3 1.3 0 1 1 0 2.6 1.3 1.3 0 0 1 0-2.6Z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
    return (
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path d={PATHS[name]} />
        </svg>
    );
}

/* The sign of the product: an arc and a dot, the pause that is held. */
export function Logo() {
    return (
        <svg class="logo" viewBox="0 0 32 22" aria-hidden="true">
            <path d="M2 20C2 9 8 1.5 16 1.5S30 9 30 20C28.4 11.3 23 6 16 6S3.6 11.3 2 20Z" />
            <circle class="logo-dot" cx="16" cy="16.5" r="3.6" />
        </svg>
    );
}
