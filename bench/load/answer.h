/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers: found by searching, not by parsing. It knows just enough of HTTP/1.1 to tell where an
 * answer ends; a chunked answer, or one without Content-Length, is refused rather than guessed at.
 */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"

enum { ANSWER_MAX = 1 << 18, HEAD_MAX = 16384, STATUSES = 600 };

struct answer {            /* borrows the bytes that it was found in */
    int status;
    const char *body;
    size_t body_size;
};

/* Find the status and the body. The result is the size of the whole answer in bytes, 0 if some of
 * it is still to come, -1 if this is no answer with a Content-Length (RFC 9112 section 6). */
long answer_parse(const char *bytes, size_t size, struct answer *answer);

/* Whether the body contains the text. */
bool answer_has(const struct answer *answer, const char *text);

/* Whether a proposal of this status is in the body; an approved one must bring its permit. */
bool answer_is_pending(const struct answer *answer);
bool answer_is_approved(const struct answer *answer);
bool answer_has_permit(const struct answer *answer);

/* Whether the body is about this proposal. */
bool answer_is_of(const struct answer *answer, const struct ticket *ticket);

/* Copy id and digest into the ticket; false where the body has none of the known length. */
bool answer_take_ticket(const struct answer *answer, struct ticket *ticket);

#endif
