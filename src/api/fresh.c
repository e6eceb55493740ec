/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers that hold a secret, for those whose first answer was lost on its way and who ask again at once.
 *
 * It must never write one anywhere: only hashes of secrets are stored (docs/decisions/032). What is
 * here is gone after ten minutes, and with the process.
 */
#include "api/api_internal.h"

#include <stdlib.h>

#define FRESH_MAX   64  /* administrators make few of these by hand; a script finds its last ones */
#define ANSWER_MAX 512 /* an id, a key of 47 and a secret of 38 characters, with their names: 170 */

struct fresh {
    struct {
        struct hash scope;
        int64_t at_us; /* 0: free */
        size_t n;
        char answer[ANSWER_MAX];
    } rows[FRESH_MAX];
};

struct fresh *fresh_new(void)
{
    return calloc(1, sizeof(struct fresh));
}

void fresh_free(struct fresh *fresh)
{
    if (fresh) {
        crypto_wipe(fresh, sizeof(*fresh));
        free(fresh);
    }
}

/* What is over is wiped by whoever comes next. */
static void end_old(struct fresh *fresh, int64_t now_us)
{
    for (size_t i = 0; i < FRESH_MAX; i++) {
        if (fresh->rows[i].at_us && fresh->rows[i].at_us + FRESH_US <= now_us) {
            crypto_wipe(&fresh->rows[i], sizeof(fresh->rows[i]));
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
    crypto_wipe(&fresh->rows[at], sizeof(fresh->rows[at]));
    if (answer.n > ANSWER_MAX) {
        return;
    }
    fresh->rows[at].scope = scope;
    fresh->rows[at].at_us = now_us;
    fresh->rows[at].n = answer.n;
    memcpy(fresh->rows[at].answer, answer.p, answer.n);
}

struct str fresh_find(struct fresh *fresh, struct hash scope, int64_t now_us)
{
    end_old(fresh, now_us);
    for (size_t i = 0; i < FRESH_MAX; i++) {
        if (fresh->rows[i].at_us && hash_eq(fresh->rows[i].scope, scope)) {
            return (struct str){fresh->rows[i].answer, fresh->rows[i].n};
        }
    }
    return STR_NONE;
}
