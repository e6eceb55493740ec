/* SPDX-License-Identifier: Apache-2.0
 *
 * Ed25519 (RFC 8032) and the file that holds the signing key.
 *
 * The file is 32 bytes of seed, readable by its owner alone. It appears whole or not at all
 * (written beside, synced, then linked to its name), and an existing one is never overwritten:
 * whoever replaces a log's key unnoticed could rewrite the log.
 */
#include "crypto/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"

_Static_assert(ED25519_SEED == crypto_sign_ed25519_SEEDBYTES, "seed");
_Static_assert(ED25519_PUBLIC == crypto_sign_ed25519_PUBLICKEYBYTES, "public key");
_Static_assert(ED25519_SIGNATURE == crypto_sign_ed25519_BYTES, "signature");
_Static_assert(sizeof(((struct sign_key *)0)->secret) == crypto_sign_ed25519_SECRETKEYBYTES, "key");

#define OTHERS_MODE (S_IRWXG | S_IRWXO) /* no bit of these may be set on the key file */

static const uint8_t *bytes_of(struct str s)
{
    return (const uint8_t *)(s.p ? s.p : "");
}

void sign_key_from_seed(const uint8_t seed[ED25519_SEED], struct sign_key *out)
{
    (void)crypto_sign_ed25519_seed_keypair(out->public_key, out->secret, seed); /* always 0 */
}

void sign_ed25519(const struct sign_key *key, struct str bytes, uint8_t out[ED25519_SIGNATURE])
{
    (void)crypto_sign_ed25519_detached(out, NULL, bytes_of(bytes), bytes.n, key->secret);
}

bool verify_ed25519(const uint8_t public_key[ED25519_PUBLIC], struct str bytes,
                    struct str signature)
{
    return signature.n == ED25519_SIGNATURE &&
           crypto_sign_ed25519_verify_detached(bytes_of(signature), bytes_of(bytes), bytes.n,
                                               public_key) == 0;
}

/* The key file --------------------------------------------------------------------------------- */

struct seed {
    uint8_t bytes[ED25519_SEED];
};

static void seed_done(struct seed *seed)
{
    crypto_wipe(seed->bytes, ED25519_SEED);
}

static void fd_close(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

static enum fm_err fail_errno(struct ctx *ctx, const char *path, const char *doing)
{
    char reason[128];

    return fail(ctx, FM_E_INTERNAL, "signing key %s: cannot %s: %s", path, doing,
                strerror_r(errno, reason, sizeof(reason)));
}

/* Reads the seed from the open file, or says what is wrong with the file. */
static enum fm_err seed_read(struct ctx *ctx, const char *path, int fd, struct seed *seed)
{
    struct stat stat;

    if (fstat(fd, &stat) != 0) {
        return fail_errno(ctx, path, "be examined");
    }
    if (!S_ISREG(stat.st_mode)) {
        return fail(ctx, FM_E_INTERNAL, "signing key %s: not a regular file", path);
    }
    if (stat.st_mode & OTHERS_MODE) {
        return fail(ctx, FM_E_INTERNAL,
                    "signing key %s: others can read it (mode %04o); run chmod 600 on it", path,
                    (unsigned)(stat.st_mode & 07777));
    }
    if (stat.st_size != ED25519_SEED || read(fd, seed->bytes, ED25519_SEED) != ED25519_SEED) {
        return fail(ctx, FM_E_INTERNAL, "signing key %s: %lld bytes instead of %d", path,
                    (long long)stat.st_size, ED25519_SEED);
    }
    return FM_OK;
}

/* Reads the seed if the file exists; `*found` says whether it does. */
static enum fm_err seed_find(struct ctx *ctx, const char *path, struct seed *seed, bool *found)
{
    /* O_NONBLOCK: a FIFO in its place must be refused, not waited for */
    AUTO(fd_close) const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *found = fd >= 0;
    if (fd >= 0) {
        return seed_read(ctx, path, fd, seed);
    }
    return errno == ENOENT ? FM_OK : fail_errno(ctx, path, "be opened");
}

/* Makes the directory entry of `path` durable. */
static bool folder_sync(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) + 1 : 1;

    snprintf(folder, sizeof(folder), "%.*s", length, slash ? path : ".");
    AUTO(fd_close) const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

/* Writes a fresh seed to the open file `fd` called `beside` and links it to `path`. If `path` has
 * come into being meanwhile, the one that was first counts. False with errno. */
static bool seed_write(int fd, const char *beside, const char *path)
{
    AUTO(seed_done) struct seed seed;

    random_bytes(seed.bytes, ED25519_SEED);
    errno = ENOSPC; /* for a short write, which sets none */
    return write(fd, seed.bytes, ED25519_SEED) == ED25519_SEED && fsync(fd) == 0 &&
           (link(beside, path) == 0 || errno == EEXIST) && folder_sync(path);
}

static enum fm_err seed_make(struct ctx *ctx, const char *path)
{
    char beside[PATH_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.XXXXXX", path);
    enum fm_err err = FM_OK;

    if (length < 0 || (size_t)length >= sizeof(beside)) {
        return fail(ctx, FM_E_INTERNAL, "signing key: the path is too long");
    }
    AUTO(fd_close) const int fd = mkostemp(beside, O_CLOEXEC); /* mode 0600, never an old file */
    if (fd < 0) {
        return fail_errno(ctx, path, "be created");
    }
    if (!seed_write(fd, beside, path)) {
        err = fail_errno(ctx, path, "be written");
    }
    (void)unlink(beside);
    return err;
}

enum fm_err sign_key_load(struct ctx *ctx, const char *path, struct sign_key *out)
{
    AUTO(seed_done) struct seed seed = {{0}};
    bool found;

    TRY(seed_find(ctx, path, &seed, &found));
    if (!found) {
        TRY(seed_make(ctx, path));
        TRY(seed_find(ctx, path, &seed, &found)); /* what counts is what the disk holds */
    }
    if (!found) {
        return fail(ctx, FM_E_INTERNAL, "signing key %s: vanished while it was being made", path);
    }
    sign_key_from_seed(seed.bytes, out);
    return FM_OK;
}

enum fm_err sign_key_find(struct ctx *ctx, const char *path, struct sign_key *out, bool *found)
{
    AUTO(seed_done) struct seed seed = {{0}};

    TRY(seed_find(ctx, path, &seed, found));
    if (*found) {
        sign_key_from_seed(seed.bytes, out);
    }
    return FM_OK;
}
