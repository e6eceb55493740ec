/* SPDX-License-Identifier: Apache-2.0
 *
 * The Merkle log, a library of its own: knows bytes, hashes and notes, nothing of proposals and
 * nothing of files. Hashing as in RFC 6962 2.1 (SHA-256, leaf 0x00, node 0x01); tiles as in C2SP
 * tlog-tiles; log checkpoints as C2SP tlog-checkpoint inside C2SP signed-note with Ed25519.
 */
#ifndef FM_TLOG_H
#define FM_TLOG_H

#include "base/ctx.h"
#include "crypto/crypto.h"

#define TLOG_LEVELS 63          /* of a tree with less than 2^63 leaves */
#define TLOG_TILE_WIDTH 256     /* hashes of a full tile, C2SP tlog-tiles */
#define TLOG_ENTRY_MAX 65535    /* bytes of an entry, C2SP tlog-tiles */
#define TLOG_PROOF_MAX 126      /* hashes of a consistency proof: 2 * 63 */
#define TLOG_SIZE_MAX ((uint64_t)INT64_MAX) /* leaves of a tree: 2^63 - 1 */

/* RFC 6962 2.1: SHA-256 of 0x00 and the entry, of 0x01 and two hashes, of nothing. */
struct hash tlog_leaf_hash(struct str entry);
struct hash tlog_node_hash(struct hash left, struct hash right);
struct hash tlog_empty_root(void);

/* The frontier: the roots of the perfect subtrees of the first `size` leaves, enough to append and
 * to compute the root. Plain data: copy it to remember a state. */
struct tlog_frontier {
    uint64_t size;
    struct hash roots[TLOG_LEVELS + 1]; /* roots[k]: the subtree of 2^k leaves if bit k of
                                           size is set, else zero: equal states, equal bytes */
};

/* Appends one leaf hash; the frontier holds less than TLOG_SIZE_MAX. Calls `completed` (may be
 * NULL) for each hash (level, index) that this leaf completes, the leaf itself (0, size) first:
 * that is what tiles are made of. */
typedef void tlog_completed_fn(void *with, unsigned level, uint64_t index, struct hash hash);
void tlog_append(struct tlog_frontier *frontier, struct hash leaf, tlog_completed_fn *completed,
                 void *with);

/* The root of what the frontier holds (RFC 6962 2.1: MTH). */
struct hash tlog_root(const struct tlog_frontier *frontier);

/* Where stored hashes come from: the hash of the perfect subtree of 2^level leaves number `index`.
 * False when it is not there (then proof making fails with FM_E_INTERNAL). */
typedef bool tlog_read_fn(void *with, unsigned level, uint64_t index, struct hash *out);

/* Root of the first `size` leaves from stored hashes. Errors: FM_E_INTERNAL when one is missing,
 * FM_E_INVALID_ARGUMENT beyond TLOG_SIZE_MAX. */
enum fm_err tlog_root_at(struct ctx *ctx, tlog_read_fn *read, void *with, uint64_t size,
                         struct hash *out) MUST_CHECK;

/* Rebuilds the frontier of `size` leaves from stored hashes: byte for byte the one that appending
 * them leaves. Errors as tlog_root_at. */
enum fm_err tlog_frontier_at(struct ctx *ctx, tlog_read_fn *read, void *with, uint64_t size,
                             struct tlog_frontier *out) MUST_CHECK;

struct tlog_proof {
    size_t count;
    struct hash hashes[TLOG_PROOF_MAX];
};

/* RFC 6962 2.1.1: that leaf `index` stands in the tree of `size`. Errors: FM_E_INVALID_ARGUMENT
 * unless index < size. */
enum fm_err tlog_prove_inclusion(struct ctx *ctx, tlog_read_fn *read, void *with, uint64_t index,
                                 uint64_t size, struct tlog_proof *out) MUST_CHECK;

/* RFC 6962 2.1.2: that the tree of `old_size` is a prefix of the tree of `size`. Errors:
 * FM_E_INVALID_ARGUMENT unless 0 < old_size <= size. */
enum fm_err tlog_prove_consistency(struct ctx *ctx, tlog_read_fn *read, void *with,
                                   uint64_t old_size, uint64_t size,
                                   struct tlog_proof *out) MUST_CHECK;

/* RFC 9162 2.1.3.2 and 2.1.4.2. Every malformed proof is refused, and a consistency proof from size
 * 0 always: that the empty tree is a prefix proves nothing about a log. */
bool tlog_verify_inclusion(const struct hash *proof, size_t count, uint64_t index, uint64_t size,
                           struct hash leaf, struct hash root) MUST_CHECK;
bool tlog_verify_consistency(const struct hash *proof, size_t count, uint64_t old_size,
                             uint64_t size, struct hash old_root, struct hash root) MUST_CHECK;

/* Signed notes (C2SP signed-note v1.0.0) ------------------------------------------------------- */

#define NOTE_NAME_MAX 128
#define NOTE_TEXT_MAX (64 * KIB)
#define NOTE_SIGNATURES_MAX 64 /* C2SP signed-note wants at least 16 */
#define NOTE_MAX (512 * KIB)   /* text and 64 post-quantum signatures of 5 kB, 6.7 kB in base64 */

struct note_verifier {
    char name[NOTE_NAME_MAX];
    uint32_t id; /* key hash: SHA-256(name 0x0A 0x01 key)[:4] big endian */
    uint8_t public_key[ED25519_PUBLIC];
};

/* Reads a verifier key `NAME+HASH+BASE64`. False unless well formed, Ed25519 and the right hash. */
bool note_verifier_parse(struct str vkey, struct note_verifier *out) MUST_CHECK;
/* The verifier of our own key. False unless `name` is UTF-8 without control character, space and
 * plus, 1 to NOTE_NAME_MAX - 1 bytes. */
bool note_verifier_of(struct str name, const struct sign_key *key,
                      struct note_verifier *out) MUST_CHECK;
/* Appends the verifier key, without LF. */
void note_verifier_write(struct buf *buf, const struct note_verifier *verifier);

/* Appends text, an empty line, and the signature line. `text` ends in LF. False if it may not be a
 * note's text (not UTF-8, control characters, no LF at the end, over NOTE_TEXT_MAX), if `as` names
 * another key, or if the buffer is full. */
bool note_sign(struct buf *buf, struct str text, const struct note_verifier *as,
               const struct sign_key *key) MUST_CHECK;

struct note {
    struct str text; /* with its last LF; borrows from the note */
    unsigned verified, unverified; /* keys that signed: given verifiers, and unknown ones */
    bool verified_by[NOTE_SIGNATURES_MAX]; /* per given verifier */
};

/* Opens a note: well formed, at least one signature by one of the verifiers, and no wrong signature
 * by any of them. Duplicate signatures of one key count once. At most NOTE_SIGNATURES_MAX
 * verifiers, no two of the same name and id. Errors: FM_E_INVALID_ARGUMENT with why; then `*out` is
 * empty. Needs up to the note's length in the context's arena. */
enum fm_err note_open(struct ctx *ctx, struct str note, const struct note_verifier *verifiers,
                      size_t count, struct note *out) MUST_CHECK;

/* Log checkpoints (C2SP tlog-checkpoint v1.0.0) ------------------------------------------------ */

struct tlog_checkpoint {
    struct str origin; /* borrows */
    uint64_t size;
    struct hash root;
};

/* Appends the three lines. `origin` is one non-empty line, size at most TLOG_SIZE_MAX: anything
 * else ends the process. */
void tlog_checkpoint_text(struct buf *buf, const struct tlog_checkpoint *checkpoint);
/* Reads the text of an opened note: origin, size, root, then any extension lines, which are
 * ignored. False unless well formed; `out->origin` borrows from `text`. */
bool tlog_checkpoint_parse(struct str text, struct tlog_checkpoint *out) MUST_CHECK;

/* Tiles (C2SP tlog-tiles v0.1.0) --------------------------------------------------------------- */

#define TLOG_TILE_PATH_MAX 64 /* bytes of the longest path, of level 63 */

/* A tile of hashes, or a bundle of the entries whose hashes are the tile of level 0. */
struct tlog_tile {
    bool is_entries;
    unsigned level; /* 0 to 63; 0 for entries */
    uint64_t index; /* in its level */
    unsigned width; /* 1 to TLOG_TILE_WIDTH; below that it is partial */
};

/* Reads "tile/<L>/<N>[.p/<W>]" and "tile/entries/<N>[.p/<W>]". False for any other spelling: no
 * leading zeros, no needless x000. */
bool tlog_tile_parse(struct str path, struct tlog_tile *out) MUST_CHECK;
/* Appends that path. `width` is 1 to TLOG_TILE_WIDTH: anything else ends the process. */
void tlog_tile_path(struct buf *buf, const struct tlog_tile *tile);
/* How wide the tile of that level and index is in a tree of `size` leaves: 0 when there is none. */
unsigned tlog_tile_width(unsigned level, uint64_t index, uint64_t size);

/* Proofs as files (C2SP tlog-proof v1) --------------------------------------------------------- */

#define TLOG_PROOF_FILE_MAX                                                                        \
    (8 * MIB) /* with extra data of an entry and its payload of 2 MiB, in base64 */

/* That the entry `index` stands in the tree of a signed checkpoint. */
struct tlog_proof_file {
    struct str extra; /* opaque, not authenticated by anything; absent when there is none */
    uint64_t index;
    struct tlog_proof proof;
    struct str checkpoint; /* the signed note */
};

/* Appends the file. */
void tlog_proof_file_write(struct buf *buf, const struct tlog_proof_file *file);
/* Reads one; `out->checkpoint` borrows from `text`, extra data lies in the arena. Proves nothing
 * yet: see tlog_proof_file_check. Errors: FM_E_INVALID_ARGUMENT with why, FM_E_TOO_LARGE. */
enum fm_err tlog_proof_file_parse(struct ctx *ctx, struct str text, struct tlog_proof_file *out)
    MUST_CHECK;
/* Checks that the log of `verifier` signed a tree in which `leaf` stands at the file's index.
 * `*out` is the checkpoint. Errors: FM_E_INVALID_ARGUMENT with why. */
enum fm_err tlog_proof_file_check(struct ctx *ctx, const struct tlog_proof_file *file,
                                  struct hash leaf, const struct note_verifier *verifier,
                                  struct tlog_checkpoint *out) MUST_CHECK;

/* That the log of a signed checkpoint continues an older one: the body of C2SP tlog-witness's
 * add-checkpoint, "old N", hashes, an empty line, the checkpoint. */
struct tlog_growth_file {
    uint64_t old_size;
    struct tlog_proof proof; /* at most TLOG_LEVELS hashes */
    struct str checkpoint;   /* the signed note of the newer one */
};

/* Appends the file; reads one (as tlog_proof_file_parse); and checks that the tree of `old` is the
 * beginning of the one that the log of `verifier` has signed there. Errors as for proofs. */
void tlog_growth_file_write(struct buf *buf, const struct tlog_growth_file *file);
enum fm_err tlog_growth_file_parse(struct ctx *ctx, struct str text, struct tlog_growth_file *out)
    MUST_CHECK;
enum fm_err tlog_growth_file_check(struct ctx *ctx, const struct tlog_growth_file *file,
                                   const struct tlog_checkpoint *old,
                                   const struct note_verifier *verifier,
                                   struct tlog_checkpoint *out) MUST_CHECK;

/* Opens a signed checkpoint of the log of `verifier`: its signature, its form, and that the
 * origin is the name of the key. Errors: FM_E_INVALID_ARGUMENT with why. */
enum fm_err tlog_checkpoint_open(struct ctx *ctx, struct str note,
                                 const struct note_verifier *verifier, struct tlog_checkpoint *out)
    MUST_CHECK;

#endif
