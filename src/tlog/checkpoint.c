/* SPDX-License-Identifier: Apache-2.0
 *
 * The text of a log checkpoint (C2SP tlog-checkpoint v1.0.0): origin, size and root, a line each,
 * and in those of other logs perhaps extension lines, which are read over.
 *
 * It must never read two spellings as one checkpoint: no leading zero, no other base64.
 */
#include "tlog/tlog.h"

#include "base/panic.h"

void tlog_checkpoint_text(struct buf *buf, const struct tlog_checkpoint *checkpoint)
{
    ASSERT(checkpoint->size <= TLOG_SIZE_MAX);
    ASSERT(checkpoint->origin.n > 0 && str_find(checkpoint->origin, '\n') == checkpoint->origin.n);
    buf_add(buf, checkpoint->origin);
    buf_add_char(buf, '\n');
    buf_add_u64(buf, checkpoint->size);
    buf_add_char(buf, '\n');
    buf_add_base64(buf, hash_str(&checkpoint->root));
    buf_add_char(buf, '\n');
}

/* Takes the first line off `*rest`, without its LF. False if it is empty or has no LF. */
static bool line_take(struct str *rest, struct str *line)
{
    *line = str_split(rest, '\n');
    return rest->p && line->n > 0;
}

static bool size_parse(struct str text, uint64_t *out)
{
    bool has_leading_zero = text.n > 1 && text.p[0] == '0';

    return !has_leading_zero && str_to_u64(text, out) && *out <= TLOG_SIZE_MAX;
}

bool tlog_checkpoint_parse(struct str text, struct tlog_checkpoint *out)
{
    struct str rest = text;
    struct str size, root, extension;
    struct tlog_checkpoint checkpoint;

    if (!line_take(&rest, &checkpoint.origin) || !line_take(&rest, &size) ||
        !line_take(&rest, &root) || !size_parse(size, &checkpoint.size) ||
        !base64_decode_n(root, checkpoint.root.bytes, SHA256_SIZE)) {
        return false;
    }
    while (rest.n) {
        if (!line_take(&rest, &extension)) {
            return false;
        }
    }
    *out = checkpoint;
    return true;
}
