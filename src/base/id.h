/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids: a prefix and a ULID (48 bits of milliseconds, 80 of randomness) in 26 characters of Crockford's
 * base32. In memory and in the store an id is its 16 bytes; the prefix belongs to the column.
 */
#ifndef FM_BASE_ID_H
#define FM_BASE_ID_H

#include "base/buf.h"

#define ID_TEXT_MAX 31 /* "prp_" + 26 + NUL */

struct id {
    uint8_t bytes[16];
};

#define ID_KINDS(X) /* name, prefix */                                                             \
    X(PROPOSAL, "prp_")                                                                            \
    X(DECISION, "dec_")                                                                            \
    X(PERSON, "rev_")                                                                              \
    X(AGENT, "agt_")                                                                               \
    X(KEY, "key_")                                                                                 \
    X(EVENT, "evt_")                                                                               \
    X(INCIDENT, "inc_") X(POLICY, "pol_") X(COMMENT, "com_") X(PERMIT, "pmt_") X(SESSION, "ses_")  \
        X(PAUSE, "pau_") X(BACKTEST, "bkt_")

enum id_kind {
#define X(name, prefix) ID_##name,
    ID_KINDS(X)
#undef X
    ID_KIND_COUNT
};

/* A fresh id; ids of one process rise strictly, so that they sort by creation. Any thread. */
struct id id_new(void);

/* Whether two ids are the same; whether one is not set. */
bool id_eq(struct id a, struct id b);
bool id_is_zero(struct id id);

/* prefix + 26 characters, NUL-ended. */
struct str id_format(enum id_kind kind, struct id id, char out[ID_TEXT_MAX]);
void buf_add_id(struct buf *buf, enum id_kind kind, struct id id);

/* Reads prefix + 26 characters; false on another prefix, length or alphabet. */
bool id_parse(enum id_kind kind, struct str text, struct id *out);

/* The 16 bytes as a str that borrows `id`. */
static inline struct str id_bytes(const struct id *id)
{
    return (struct str){(const char *)id->bytes, sizeof(id->bytes)};
}

/* The id from 16 stored bytes; all zero when the length is another. */
struct id id_from(struct str bytes);

/* Fills `out` with `n` random bytes from the kernel. Ends the process if the kernel cannot. */
void random_bytes(void *out, size_t n);

/* Tests only: from now on random_bytes() gives a sequence that follows from `seed`; 0 returns to
 * the kernel's. */
void random_set_seed(uint64_t seed);

#endif
