/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of policies share: loading from text, and the findings as lines of text.
 */
#ifndef FM_POLICY_CHECK_H
#define FM_POLICY_CHECK_H

#include "../check.h"

#include "base/panic.h"
#include "policy/policy.h"

struct loading {
    struct arena *arena;
    struct ctx ctx;
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    size_t count;
    const struct policy *policy; /* NULL when refused */
    enum fm_err err;
};

static inline void loading_done(struct loading *loading)
{
    policy_drop(loading->policy);
    arena_free(loading->arena);
}

static inline void load_str(struct loading *loading, struct str yaml)
{
    loading->arena = arena_new(MIB);
    ASSERT(loading->arena);
    ctx_init(&loading->ctx, loading->arena);
    loading->err = policy_parse(&loading->ctx, S("policy.yaml"), yaml, loading->findings,
                                &loading->count, &loading->policy);
    ASSERT((loading->err == FM_OK) == (loading->policy != NULL));
}

static inline void load_text(struct loading *loading, const char *yaml)
{
    load_str(loading, str_of(yaml));
}

/* "3:9: message" for each finding, one a line; lives in the loading's arena. */
static inline struct str findings_text(struct loading *loading)
{
    AUTO(buf_done) struct buf out = BUF_INIT(MIB);

    for (size_t i = 0; i < loading->count; i++) {
        const struct policy_finding *row = &loading->findings[i];
        buf_printf(&out, "%s%u:%u: %s%.*s", i ? "\n" : "", row->at.line, row->at.column,
                   row->warning ? "warning: " : "", STR_ARG(row->message));
    }
    return arena_copy(loading->arena, buf_str(&out));
}

#endif
