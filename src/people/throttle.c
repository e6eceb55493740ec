/* SPDX-License-Identifier: Apache-2.0
 *
 * Throttling of sign-ins: how often a name, known or not, and an address may fail before it has to wait.
 *
 * It must never need more than its fixed table, whatever is thrown at it, and never tell a known name
 * from an unknown one.
 *
 * 1. An attempt that has been let through counts as failed until it is known to have succeeded, so that
 *    a burst of parallel attempts gains nothing.
 * 2. Waits are bounded, so that nobody can be locked out for long by somebody else. With 5 free attempts
 *    and waits of 1, 2, 4, ... 60 s, a name allows 70 guesses in the first hour and 60 in each later one.
 * 3. A full bucket forgets its least guilty row: whoever fills the table with fresh names cannot wash
 *    off the one that he is guessing at.
 */
#include "people/people.h"

#include "base/locks.h"

#include <arpa/inet.h>
#include <pthread.h>

#define BUCKETS 1024 /* a power of two */
#define ROWS_PER_BUCKET 8
#define KEY_SIZE 16

enum subject { SUBJECT_NAME, SUBJECT_ADDRESS, SUBJECT_COUNT };

/* Behind one address there may be a whole office: it gets more, and waits less. */
static const struct {
    char tag;
    unsigned free;      /* attempts without any wait */
    unsigned wait_s_max;
    int64_t forget_us;  /* after so long without an attempt */
} subjects[SUBJECT_COUNT] = {
    [SUBJECT_NAME] = {'n', 5, 60, HOUR_US},
    [SUBJECT_ADDRESS] = {'a', 50, 15, 15 * MINUTE_US},
};

struct row {
    uint8_t key[KEY_SIZE];
    int64_t last_at_us;
    unsigned failures, under_way; /* both 0: the row is free */
};

static struct lock lock = LOCK_INIT(LOCK_THROTTLE);
static struct row table[BUCKETS][ROWS_PER_BUCKET]; /* guarded by the lock; 256 KiB */
static char seed[KEY_SIZE]; /* of the keys, so that nobody can aim for a bucket */
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void draw_seed(void)
{
    random_bytes(seed, sizeof(seed));
}

static unsigned attempts_of(const struct row *row)
{
    return row->failures + row->under_way;
}

/* IPv6 counts by /64: that is what one customer gets, with 2^64 addresses in it (RFC 6177). */
static struct str address_key(struct str address, char out[8])
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr parsed;

    if (address.n >= sizeof(text)) {
        return address;
    }
    memcpy(text, address.p ? address.p : "", address.n);
    text[address.n] = '\0';
    if (inet_pton(AF_INET6, text, &parsed) != 1 || IN6_IS_ADDR_V4MAPPED(&parsed)) {
        return address;
    }
    memcpy(out, parsed.s6_addr, 8);
    return (struct str){out, 8};
}

static struct hash key_of(enum subject subject, struct str text)
{
    char network[8];

    pthread_once(&seeded, draw_seed);
    return sha256_3((struct str){seed, sizeof(seed)}, (struct str){&subjects[subject].tag, 1},
                    subject == SUBJECT_ADDRESS ? address_key(text, network) : text);
}

static struct row *bucket_of(struct hash key)
{
    return table[(key.bytes[KEY_SIZE] | (size_t)key.bytes[KEY_SIZE + 1] << 8) & (BUCKETS - 1)];
}

/* The row of the key, or NULL; one that has been quiet for long is emptied first. */
static struct row *find_locked(enum subject subject, struct hash key, int64_t now)
{
    struct row *bucket = bucket_of(key);

    for (size_t i = 0; i < ROWS_PER_BUCKET; i++) {
        struct row *row = &bucket[i];
        if (attempts_of(row) == 0 || memcmp(row->key, key.bytes, KEY_SIZE) != 0) {
            continue;
        }
        if (now - row->last_at_us >= subjects[subject].forget_us) {
            row->failures = row->under_way = 0;
            return NULL;
        }
        return row;
    }
    return NULL;
}

/* The row of the key; a new one takes the place of the least guilty (invariant 3). */
static struct row *make_locked(enum subject subject, struct hash key, int64_t now)
{
    struct row *bucket = bucket_of(key);
    struct row *row = find_locked(subject, key, now);

    if (row) {
        return row;
    }
    row = &bucket[0];
    for (size_t i = 1; i < ROWS_PER_BUCKET; i++) {
        unsigned mine = attempts_of(&bucket[i]), least = attempts_of(row);
        if (mine < least || (mine == least && bucket[i].last_at_us < row->last_at_us)) {
            row = &bucket[i];
        }
    }
    *row = (struct row){.last_at_us = now};
    memcpy(row->key, key.bytes, KEY_SIZE);
    return row;
}

/* 0 for the free ones, then 1, 2, 4, ... seconds after the last attempt. */
static int64_t wait_after(enum subject subject, unsigned attempts)
{
    unsigned over = attempts - subjects[subject].free;
    unsigned wait_s;

    if (attempts < subjects[subject].free) {
        return 0;
    }
    wait_s = over < 16 ? 1u << over : subjects[subject].wait_s_max;
    return SECOND_US * (wait_s < subjects[subject].wait_s_max ? wait_s : subjects[subject].wait_s_max);
}

static unsigned seconds_left_locked(enum subject subject, struct hash key, int64_t now)
{
    struct row *row = find_locked(subject, key, now);
    int64_t left;

    if (!row) {
        return 0;
    }
    if (row->last_at_us > now) {
        row->last_at_us = now; /* the clock has been set back: never wait longer for it */
    }
    left = row->last_at_us + wait_after(subject, attempts_of(row)) - now;
    return left <= 0 ? 0 : (unsigned)((left + SECOND_US - 1) / SECOND_US);
}

unsigned throttle_check(struct str name, struct str address)
{
    struct hash name_key = key_of(SUBJECT_NAME, name);
    struct hash address_hash = key_of(SUBJECT_ADDRESS, address);
    int64_t now = clock_now_us();
    unsigned wait_s = 0;

    LOCKED (&lock) {
        unsigned for_name = seconds_left_locked(SUBJECT_NAME, name_key, now);
        unsigned for_address = seconds_left_locked(SUBJECT_ADDRESS, address_hash, now);

        wait_s = for_name > for_address ? for_name : for_address;
        if (wait_s == 0) {
            struct row *row = make_locked(SUBJECT_NAME, name_key, now);
            row->under_way++;
            row->last_at_us = now;
        }
    }
    return wait_s;
}

static void count_failure_locked(enum subject subject, struct hash key, int64_t now)
{
    struct row *row = make_locked(subject, key, now);

    if (row->under_way > 0) {
        row->under_way--;
    }
    row->failures++;
    row->last_at_us = now;
}

void throttle_failed(struct str name, struct str address)
{
    struct hash name_key = key_of(SUBJECT_NAME, name);
    struct hash address_hash = key_of(SUBJECT_ADDRESS, address);
    int64_t now = clock_now_us();

    LOCKED (&lock) {
        count_failure_locked(SUBJECT_NAME, name_key, now);
        count_failure_locked(SUBJECT_ADDRESS, address_hash, now);
    }
}

void throttle_succeeded(struct str name)
{
    struct hash key = key_of(SUBJECT_NAME, name);
    int64_t now = clock_now_us();

    LOCKED (&lock) {
        struct row *row = find_locked(SUBJECT_NAME, key, now);
        if (row) {
            row->failures = row->under_way = 0;
        }
    }
}
