// SPDX-License-Identifier: Apache-2.0
/* What a proposal shows now and then, and at its end: one piece of code that comes with the first of it. */
export { EditOffer } from "./edit_offer";
export { Revision } from "./revision";
export { Timeline } from "./timeline";
