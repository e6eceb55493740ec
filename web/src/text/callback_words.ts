// SPDX-License-Identifier: Apache-2.0
/*
 * The words of callbacks, apart from the others: they are fetched with their page.
 */
import type { Words } from "./words";

export const CALLBACK_STATUS: Words = {
    dead: "Given up",
    pending: "On its way",
    delivered: "Delivered",
};

export const CALLBACK_TYPE: Words = {
    "proposal.released": "Decided",
    "proposal.returned": "Returned with a question",
    "proposal.expired": "Expired",
    "proposal.withdrawn": "Withdrawn",
    "proposal.blocked": "Blocked",
};

/* Why the last attempt failed. */
export const CALLBACK_ERROR: Words = {
    status: "The receiver answered with an error",
    redirect: "The receiver redirects; that is not followed",
    gone: "The receiver wants no more of it",
    timeout: "No answer in time",
    connection: "No connection",
    name: "The host's name does not resolve",
    tls: "The certificate or TLS is not acceptable",
    address: "The host's address is not one that callbacks may go to",
    agent: "The agent is switched off",
    erased: "Its content was erased",
};
