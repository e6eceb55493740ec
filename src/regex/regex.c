/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiling and matching: the limits and the errors of ours around RE2.
 */
#include "regex/regex.h"

#include "regex/inner.h"

enum fm_err regex_new(struct ctx *ctx, struct str pattern, struct regex **out)
{
    struct regex *made;

    if (pattern.n > REGEX_PATTERN_MAX) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "a regular expression has at most %zu bytes",
                    REGEX_PATTERN_MAX);
    }
    made = shim_new(pattern.p ? pattern.p : "", pattern.n, REGEX_MEMORY_MAX);
    if (!made) {
        return fail_memory(ctx);
    }
    if (shim_error(made)) { /* RE2 quotes the place; a pattern may come from outside, so it stays short */
        (void)fail(ctx, FM_E_INVALID_ARGUMENT, "not a regular expression in RE2 syntax: %.200s",
                   shim_error(made));
        shim_free(made);
        return ctx->err;
    }
    *out = made;
    return FM_OK;
}

void regex_free(struct regex *regex)
{
    shim_free(regex);
}

bool regex_matches(const struct regex *regex, struct str text)
{
    return shim_matches(regex, text.p ? text.p : "", text.n);
}

size_t regex_size(const struct regex *regex)
{
    return shim_size(regex);
}
