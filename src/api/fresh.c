/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that hold a secret, for those whose first answer was lost on its way and who ask again
 * at once.
 *
 * It must never write one anywhere: only hashes of secrets are stored (docs/decisions/032). What is
 * here is gone after ten minutes, and with the process.
 */
#include "api/api_internal.h"

#include <stdlib.h>

#define FRESH_MAX  64  /* administrators make few of these by hand; a script finds its last ones */
#define ANSWER_MAX 512 /* an id, a key of 47 and a secret of 38 characters, with their names: 170 */

struct fresh {
    struct {
        struct hash scope;
        int64_t at_us; /* 0: free */
        struct buf answer;
    } rows[FRESH_MAX];
};

struct fresh *fresh_new(void)
{
    return calloc(1, sizeof(struct fresh));
}

static void end(struct fresh *fresh, size_t at)
{
    if (fresh->rows[at].at_us) {
        crypto_wipe(fresh->rows[at].answer.p, fresh->rows[at].answer.n);
        buf_done(&fresh->rows[at].answer);
        fresh->rows[at].at_us = 0;
    }
}

void fresh_free(struct fresh *fresh)
{
    for (size_t i = 0; fresh && i < FRESH_MAX; i++) {
        end(fresh, i);
    }
    free(fresh);
}

/* What is over is wiped by whoever comes next. */
static void end_old(struct fresh *fresh, int64_t now_us)
{
    for (size_t i = 0; i < FRESH_MAX; i++) {
        if (fresh->rows[i].at_us + FRESH_US <= now_us) {
            end(fresh, i);
        }
    }
}

/* The row of this scope; otherwise a free one or the oldest: whose at_us is least. */
static size_t row_for(const struct fresh *fresh, struct hash scope)
{
    size_t found = 0;

    for (size_t i = 0; i < FRESH_MAX; i++) {
        if (fresh->rows[i].at_us && hash_eq(fresh->rows[i].scope, scope)) {
            return i;
        }
        if (fresh->rows[i].at_us < fresh->rows[found].at_us) {
            found = i;
        }
    }
    return found;
}

void fresh_keep(struct fresh *fresh, struct hash scope, struct str answer, int64_t now_us)
{
    size_t at;

    end_old(fresh, now_us);
    at = row_for(fresh, scope);
    end(fresh, at);
    fresh->rows[at].scope = scope;
    fresh->rows[at].at_us = now_us;
    fresh->rows[at].answer = (struct buf)BUF_INIT(ANSWER_MAX);
    buf_add(&fresh->rows[at].answer, answer);
    if (!buf_ok(&fresh->rows[at].answer)) {
        end(fresh, at);
    }
}

struct str fresh_find(struct fresh *fresh, struct hash scope, int64_t now_us)
{
    end_old(fresh, now_us);
    for (size_t i = 0; i < FRESH_MAX; i++) {
        if (fresh->rows[i].at_us && hash_eq(fresh->rows[i].scope, scope)) {
            return buf_str(&fresh->rows[i].answer);
        }
    }
    return STR_NONE;
}
