/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer with a mandatory ceiling. Appending never fails half way: on the first append
 * that does not fit, the buffer is marked broken, frees its bytes, and ignores the rest; the builder
 * checks once at the end with buf_ok or buf_take. Not thread safe.
 */
#ifndef FM_BASE_BUF_H
#define FM_BASE_BUF_H

#include "base/str.h"

struct buf {
    char *p;
    size_t n, room, max;
    bool broken;
};

#define BUF_INIT(max_bytes) {NULL, 0, 0, (max_bytes), false}
/* Scope-bound resource: AUTO(buf_done) struct buf b = BUF_INIT(64 * KIB); */
#define AUTO(done) __attribute__((cleanup(done)))

/* Frees the bytes; the buffer is empty and usable again. Accepts the initial value. */
void buf_done(struct buf *buf);

/* Empties the buffer but keeps its room; also mends a broken one. */
void buf_reset(struct buf *buf);

/* Makes room for `n` more bytes; false (and broken) past the ceiling. */
bool buf_reserve(struct buf *buf, size_t n);

void buf_add(struct buf *buf, struct str s);         /* appends bytes */
void buf_add_u64(struct buf *buf, uint64_t value);   /* appends a decimal */
void buf_add_hex(struct buf *buf, struct str bytes); /* appends lower-case hex */
/* Appends printf output. */
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends one byte. */
static inline void buf_add_char(struct buf *buf, char c)
{
    if (buf->n < buf->room || buf_reserve(buf, 1)) {
        buf->p[buf->n++] = c;
    }
}

#define buf_lit(buf, literal) buf_add((buf), S(literal))

/* Whether everything appended so far is there. */
static inline bool buf_ok(const struct buf *buf)
{
    return !buf->broken;
}

/* What is in it: borrowed until the next append. Absent when broken. */
static inline struct str buf_str(const struct buf *buf)
{
    return buf->broken ? STR_NONE : (struct str){buf->p ? buf->p : "", buf->n};
}

/* Moves the bytes out: the caller frees them with free(). NULL (and *n 0) when broken. */
char *buf_take(struct buf *buf, size_t *n) __attribute__((warn_unused_result));

#endif
