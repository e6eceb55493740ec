/* SPDX-License-Identifier: Apache-2.0
 *
 * Where something goes, in a text: see recipients.c.
 */
#ifndef FM_POLICY_RECIPIENTS_H
#define FM_POLICY_RECIPIENTS_H

#include "policy/inner.h"

/* A search under way. `visit` gets the text as it stands and its normal form, in the arena. */
struct finder {
    struct arena *arena;
    void (*visit)(void *with, struct str text, struct str normal);
    void *with;
    size_t max;   /* of visits */
    size_t count; /* of what was found, beyond `max` too */
    bool failed;  /* memory is short */
    bool no_numbers; /* digits are the number of a record: they lead nowhere */
};

/* Finds everything in a text, and in the digits of a JSON number. */
void finder_text(struct finder *finder, struct str text);
void finder_number(struct finder *finder, struct str digits);

#endif
