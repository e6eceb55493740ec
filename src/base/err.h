/* SPDX-License-Identifier: Apache-2.0
 *
 * Every way in which a call can fail, in one table: code, HTTP status, name on the wire (RFC 9457 type
 * `/problems/NAME`), sentence. A function that can fail returns `enum fm_err`; detail is added once,
 * where it is known, with fail() into the request's `struct ctx` (base/ctx.h).
 */
#ifndef FM_BASE_ERR_H
#define FM_BASE_ERR_H

#include "base/str.h"

#define FM_ERRORS(X) /* code, HTTP status, name, title */                                            \
    X(INVALID_JSON, 400, "invalid-json", "The body is not I-JSON or over a structural limit")        \
    X(BAD_REQUEST, 400, "bad-request", "The head of the request has not one plain reading")          \
    X(TOO_LARGE, 413, "too-large", "Larger than the limit")                                          \
    X(UNKNOWN_MEMBER, 422, "unknown-member", "A member that this call does not know")                \
    X(INVALID_ARGUMENT, 422, "invalid-argument", "A value that this call does not accept")           \
    X(BRIEF_INCOMPLETE, 422, "brief-incomplete", "The brief lacks what the policy requires")         \
    X(SCHEMA, 422, "schema", "The arguments do not match the action's schema")                       \
    X(IDEMPOTENCY_MISMATCH, 422, "idempotency-mismatch", "This Idempotency-Key had another body")    \
    X(UNAUTHENTICATED, 401, "unauthenticated", "Sign in, or send a valid key")                       \
    X(FORBIDDEN, 403, "forbidden", "Not allowed for this caller")                                    \
    X(NOT_QUALIFIED, 403, "not-qualified", "This person may not decide this proposal")               \
    X(CONFLICT_OF_INTEREST, 403, "conflict-of-interest", "This person must not decide this one")     \
    X(NOT_FOUND, 404, "not-found", "No such thing, or not visible to this caller")                   \
    X(METHOD_NOT_ALLOWED, 405, "method-not-allowed", "This path does not have that method")          \
    X(DIGEST_MISMATCH, 409, "digest-mismatch", "The proposal is no longer the one that was shown")   \
    X(ALREADY_DECIDED, 409, "already-decided", "The proposal is no longer pending")                  \
    X(ALREADY_RELEASED, 409, "already-released", "The decision has been released to the agent")      \
    X(CLAIMED, 409, "claimed", "Somebody else works on this proposal")                               \
    X(CLAIM_FIRST, 409, "claim-first", "Claim the proposal before deciding")                         \
    X(TOO_FAST, 409, "too-fast", "Decided sooner than the mode allows")                              \
    X(PERMIT_USED, 409, "permit-used", "The permit has been redeemed")                               \
    X(NOT_DECIDED, 409, "not-decided", "There is no decision to undo")                             \
    X(NOT_RETURNED, 409, "not-returned", "Only a returned proposal can be revised")                  \
    X(NOT_APPROVED, 409, "not-approved", "Only an approved proposal has an outcome")                 \
    X(EXISTS, 409, "already-exists", "There is one of that name already")                            \
    X(ALREADY_DONE, 409, "already-done", "The first attempt did this and showed its secret") \
    X(ROTATED_TOO_OFTEN, 409, "rotated-too-often", "Too many replaced secrets still sign") \
    X(PERMIT_EXPIRED, 410, "permit-expired", "The permit is no longer valid")                        \
    X(UNSUPPORTED_MEDIA_TYPE, 415, "unsupported-media-type", "Send application/json")                \
    X(PAUSED, 423, "paused", "Paused by a person")                                                   \
    X(RATE_LIMITED, 429, "rate-limited", "Too many requests")                                        \
    X(INTERNAL, 500, "internal", "The server failed; nothing was changed")                           \
    X(OVERLOADED, 503, "overloaded", "The server is busy; nothing was changed")

enum fm_err {
    FM_OK = 0,
#define X(code, status, name, title) FM_E_##code,
    FM_ERRORS(X)
#undef X
    FM_ERR_COUNT
};

/* Every function that can fail says MUST_CHECK. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Passes an error up unchanged. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        enum fm_err try_err_ = (call);                                                             \
        if (try_err_ != FM_OK) {                                                                   \
            return try_err_;                                                                       \
        }                                                                                          \
    } while (0)

int err_status(enum fm_err err);        /* HTTP status, e.g. 409; 200 for FM_OK */
struct str err_name(enum fm_err err);   /* "already-decided" */
struct str err_title(enum fm_err err);  /* the sentence */

#endif
