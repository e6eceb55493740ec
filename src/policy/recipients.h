/* SPDX-License-Identifier: Apache-2.0
 *
 * Where something goes, in a text: see recipients.c. Numbers are accounts.c, spelling is fold.c.
 */
#ifndef FM_POLICY_RECIPIENTS_H
#define FM_POLICY_RECIPIENTS_H

#include "policy/inner.h"

/* A text as it is searched, and where its bytes came from. */
struct folded {
    struct str source, text;
    const uint32_t *origin; /* of each byte of text, and of its end; NULL: the same places */
};

/* Folds a text; false when memory is short. */
bool folded_of(struct arena *arena, struct str text, struct folded *out) MUST_CHECK;
/* The piece of the source that a piece of the folded text came from. */
struct str folded_source(const struct folded *folded, struct str piece);

/* A search under way. `visit` gets the text as it stands and its normal form, in the arena. */
struct finder {
    struct arena *arena;
    void (*visit)(void *with, struct str text, struct str normal);
    void *with;
    size_t max;   /* of visits */
    size_t count; /* of what was found, beyond `max` too */
    bool failed;  /* memory is short */
    bool no_numbers; /* digits are the number of a record: they lead nowhere */
    struct folded folded; /* what is being searched */
};

/* Finds everything in a text, and in the digits of a JSON number. */
void finder_text(struct finder *finder, struct str text);
void finder_number(struct finder *finder, struct str digits);

/* Of recipients.c and accounts.c among themselves: a piece of the folded text was found, whose
 * normal form has this kind and these bytes. */
void finder_found(struct finder *finder, char kind, struct str piece, struct str bare);
void finder_accounts(struct finder *finder);

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool is_alnum(char c)
{
    return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}

static inline char lower(char c)
{
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}

#endif
