/* SPDX-License-Identifier: Apache-2.0
 *
 * Stage 1: a proposal ARRIVES. Reads and checks what an agent sent, against the limits of the wire and
 * the brief that the policy requires, and makes the one canonical byte string from which everything
 * later is shown, hashed and released (invariant 3).
 */
#ifndef FM_INTAKE_H
#define FM_INTAKE_H

#include "crypto/crypto.h"
#include "policy/policy.h"

#define ACTION_MAX 128
#define ARGUMENTS_MAX (256 * KIB)
#define SUMMARY_MAX (300 * 4)          /* 300 characters of up to 4 bytes; counted exactly below */
#define SUMMARY_CHARACTERS_MAX 300
#define BRIEF_TEXT_MAX (32 * KIB)
#define EVIDENCE_MAX 50
#define OPTIONS_MAX 20
#define DOMAINS_MAX 16
#define LABELS_MAX 32
#define LABEL_NAME_MAX 64
#define LABEL_VALUE_MAX 256
#define ATTACHMENTS_MAX (512 * KIB)
#define SHORT_TEXT_MAX 256             /* agent_version, on_behalf_of, subject, session */

/* What an agent proposes. Borrows from the request's tree and arena. */
struct submission {
    struct str canonical; /* RFC 8785 form of the whole request */
    const struct json *request, *arguments, *brief;
    struct str action;
    int64_t deadline_us; /* from now; 0: none */
    struct id supersedes; /* zero: none */
    struct str callback_url; /* well-formed; whether it may be called is the caller's to say */
    struct str trace;        /* set by the caller: a traceparent, or absent */
    struct hash arguments_digest;
};

/* Reads the body of POST /v1/proposals. Errors: FM_E_INVALID_ARGUMENT, FM_E_UNKNOWN_MEMBER,
 * FM_E_TOO_LARGE with pointers; FM_E_SCHEMA as intake_check_schema; FM_E_BRIEF_INCOMPLETE with a
 * pointer to each part that the policy requires of this action and that is missing. Any thread. */
enum fm_err intake_read(struct ctx *ctx, const struct policy *policy, const struct json *body,
                        struct submission *out) MUST_CHECK;

/* Reads the body of .../revise, {arguments, brief}, on top of the request it revises: members that are
 * not given stay. The result is a whole submission. */
enum fm_err intake_revise(struct ctx *ctx, const struct policy *policy, struct str request,
                          const struct json *body, struct submission *out) MUST_CHECK;

/* Checks arguments that a reviewer edited: an object within ARGUMENTS_MAX. */
enum fm_err intake_check_arguments(struct ctx *ctx, const struct json *arguments, struct hash *digest)
    MUST_CHECK;

/* Checks arguments against the schema that the policy has for the action. FM_E_SCHEMA with pointers
 * below /arguments, the most useful first. Any thread. */
enum fm_err intake_check_schema(struct ctx *ctx, const struct policy *policy, struct str action,
                                const struct json *arguments) MUST_CHECK;

/* Checks that the brief holds what the policy wants of it for the action, before a person's time is
 * spent on it. FM_E_BRIEF_INCOMPLETE with pointers. `brief` may be NULL. Any thread. */
enum fm_err intake_check_brief(struct ctx *ctx, const struct policy *policy, struct str action,
                               const struct json *brief) MUST_CHECK;

#endif
