/* SPDX-License-Identifier: Apache-2.0
 *
 * Ids (ULID, https://github.com/ulid/spec): 26 characters of Crockford's base32 over 128 bits.
 */
#include "base/id.h"

#include "base/clock.h"
#include "base/panic.h"

#include <stdatomic.h>
#include <sys/random.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static const struct str prefixes[] = {
#define X(name, prefix) STR(prefix),
    ID_KINDS(X)
#undef X
};

static void fill_random(void *out, size_t n)
{
    char *p = out;

    while (n > 0) {
        ssize_t got = getrandom(p, n > 256 ? 256 : n, 0);
        if (got < 0) {
            PANIC("the kernel gives no randomness");
        }
        p += got;
        n -= (size_t)got;
    }
}

/* Of tests: the next number of a sequence (splitmix64, Steele, Lea and Flood 2014); 0: none is
 * set. */
static _Atomic uint64_t sequence;

void random_set_seed(uint64_t seed)
{
    atomic_store(&sequence, seed);
}

static void fill_from_sequence(void *out, size_t n)
{
    for (char *p = out; n > 0;) {
        uint64_t z = atomic_fetch_add(&sequence, UINT64_C(0x9E3779B97F4A7C15));
        size_t part = n < sizeof(z) ? n : sizeof(z);
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        z ^= z >> 31;
        memcpy(p, &z, part);
        p += part;
        n -= part;
    }
}

/* Small requests are served from a pool of the thread: a system call per id would cost more than the id.
 * Bytes are wiped as they are given out, so that none is ever given twice. */
void random_bytes(void *out, size_t n)
{
    static _Thread_local char pool[512];
    static _Thread_local size_t left;

    if (atomic_load_explicit(&sequence, memory_order_relaxed)) {
        fill_from_sequence(out, n);
        return;
    }
    if (n > sizeof(pool) / 4) {
        fill_random(out, n);
        return;
    }
    if (left < n) {
        fill_random(pool, sizeof(pool));
        left = sizeof(pool);
    }
    left -= n;
    memcpy(out, pool + left, n);
    memset(pool + left, 0, n);
}

/* A process-wide count in the 16 bits behind the time makes ids of one millisecond rise; the remaining
 * 64 bits are random. When the clock stands still or goes back, the last time is kept. */
static uint64_t next_stamp(void)
{
    static _Atomic uint64_t last;
    uint64_t now = (uint64_t)(clock_now_us() / 1000) << 16;
    uint64_t seen = atomic_load_explicit(&last, memory_order_relaxed);
    uint64_t next;

    do {
        next = now > seen ? now : seen + 1;
    } while (!atomic_compare_exchange_weak(&last, &seen, next));
    return next;
}

struct id id_new(void)
{
    struct id id;
    uint64_t stamp = next_stamp();

    for (int i = 7; i >= 0; i--, stamp >>= 8) {
        id.bytes[i] = (uint8_t)stamp;
    }
    random_bytes(id.bytes + 8, 8);
    return id;
}

bool id_eq(struct id a, struct id b)
{
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

bool id_is_zero(struct id id)
{
    return id_eq(id, (struct id){{0}});
}

/* The 5 bits of character `i`: 130 bits are written, the first two of them zero. */
static unsigned bits_at(const struct id *id, int i)
{
    int bit = i * 5 - 2;
    unsigned high = bit < 0 ? 0 : id->bytes[bit / 8];
    unsigned low = bit < 0 ? id->bytes[0] : bit / 8 + 1 < 16 ? id->bytes[bit / 8 + 1] : 0;
    int shift = bit < 0 ? 5 : 11 - bit % 8;

    return ((high << 8 | low) >> shift) & 31;
}

struct str id_format(enum id_kind kind, struct id id, char out[ID_TEXT_MAX])
{
    struct str prefix = prefixes[kind];

    memcpy(out, prefix.p, prefix.n);
    for (int i = 0; i < 26; i++) {
        out[prefix.n + (size_t)i] = alphabet[bits_at(&id, i)];
    }
    out[prefix.n + 26] = '\0';
    return (struct str){out, prefix.n + 26};
}

void buf_add_id(struct buf *buf, enum id_kind kind, struct id id)
{
    char text[ID_TEXT_MAX];

    buf_add(buf, id_format(kind, id, text));
}

bool id_parse(enum id_kind kind, struct str text, struct id *out)
{
    struct str digits = str_skip(text, prefixes[kind].n);
    struct id id = {{0}};

    if (!str_starts(text, prefixes[kind]) || digits.n != 26 || digits.p[0] > '7') {
        return false;
    }
    for (size_t i = 0; i < 26; i++) {
        const char *hit = digits.p[i] ? strchr(alphabet, digits.p[i]) : NULL;
        if (!hit) {
            return false;
        }
        for (size_t bit = 0; bit < 5; bit++) { /* most significant first; the first two are zero */
            size_t at = i * 5 + bit;
            unsigned set = (unsigned)(hit - alphabet) >> (4 - bit) & 1;
            if (at >= 2) {
                id.bytes[(at - 2) / 8] |= (uint8_t)(set << (7 - (at - 2) % 8));
            }
        }
    }
    *out = id;
    return true;
}

struct id id_from(struct str bytes)
{
    struct id id = {{0}};

    if (bytes.n == sizeof(id.bytes)) {
        memcpy(id.bytes, bytes.p, sizeof(id.bytes));
    }
    return id;
}
