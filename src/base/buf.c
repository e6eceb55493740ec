/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing byte buffer with a mandatory ceiling.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_FIRST 512 /* most leaves, events and small answers fit */

void buf_done(struct buf *buf)
{
    free(buf->p);
    *buf = (struct buf)BUF_INIT(buf->max);
}

void buf_reset(struct buf *buf)
{
    buf->n = 0;
    buf->broken = false;
}

static bool buf_break(struct buf *buf)
{
    free(buf->p);
    buf->p = NULL;
    buf->n = buf->room = 0;
    buf->broken = true;
    return false;
}

bool buf_reserve(struct buf *buf, size_t n)
{
    size_t room;
    char *p;

    if (buf->broken) {
        return false;
    }
    if (n <= buf->room - buf->n) {
        return true;
    }
    if (n > buf->max - buf->n) {
        return buf_break(buf);
    }
    room = buf->room < ROOM_FIRST ? ROOM_FIRST : buf->room * 2;
    room = room < buf->n + n ? buf->n + n : room;
    room = room > buf->max ? buf->max : room;
    p = realloc(buf->p, room);
    if (!p) {
        return buf_break(buf);
    }
    buf->p = p;
    buf->room = room;
    return true;
}

void buf_add(struct buf *buf, struct str s)
{
    if (s.n && buf_reserve(buf, s.n)) {
        memcpy(buf->p + buf->n, s.p, s.n);
        buf->n += s.n;
    }
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_add(buf, (struct str){digits + at, sizeof(digits) - at});
}

void buf_add_hex(struct buf *buf, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";

    if (!buf_reserve(buf, bytes.n * 2)) {
        return;
    }
    for (size_t i = 0; i < bytes.n; i++) {
        unsigned char byte = (unsigned char)bytes.p[i];
        buf->p[buf->n++] = digits[byte >> 4];
        buf->p[buf->n++] = digits[byte & 15];
    }
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    int n;

    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) {
        (void)buf_break(buf);
    } else if (buf_reserve(buf, (size_t)n + 1)) { /* vsnprintf wants room for its NUL */
        vsnprintf(buf->p + buf->n, (size_t)n + 1, format, again);
        buf->n += (size_t)n;
    }
    va_end(again);
}

char *buf_take(struct buf *buf, size_t *n)
{
    char *p = buf->p;

    if (!buf->broken && !p) {
        p = calloc(1, 1); /* an empty buffer is still something to own */
    }
    *n = buf->n;
    buf->p = NULL;
    buf->n = buf->room = 0;
    return p;
}
