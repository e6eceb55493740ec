/* SPDX-License-Identifier: Apache-2.0
 *
 * For tests of evidence: signing, bundles of a story's proposals, and the key to check them with.
 */
#ifndef FM_TEST_EVIDENCE_WORLD_H
#define FM_TEST_EVIDENCE_WORLD_H

#include "../flow/story.h"

#include "insights/insights.h"
#include "keep/keep.h"

static struct note_verifier log_verifier;

static inline void sign_log(void)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
    struct story_cmd c = {.deed = SIGN};

    OK(story_do(&c));
    journal_vkey(world.instance.journal, &vkey);
    EXPECT(note_verifier_parse(buf_str(&vkey), &log_verifier), "the log's key");
}

/* The bundle of a proposal, made as the server makes it. */
static inline enum fm_err make_bundle(struct id id, struct str *out)
{
    AUTO(buf_done) struct buf text = BUF_INIT(8 * MIB);
    AUTO(buf_done) struct buf vkey = BUF_INIT(KIB);
    enum fm_err err;

    ctx_clear(&world.ctx);
    journal_vkey(world.instance.journal, &vkey);
    OK(store_snapshot(&world.ctx, story.reader));
    err = insights_bundle(&world.ctx, story.reader, id, buf_str(&vkey), &text);
    store_snapshot_end(story.reader);
    *out = err == FM_OK ? arena_copy(world.arena, buf_str(&text)) : STR_NONE;
    return err;
}

static inline struct str bundle_of(const struct proposal *p)
{
    struct str text;

    OK(make_bundle(p->id, &text));
    return text;
}

static inline struct str replaced(struct str text, const char *from, const char *to)
{
    AUTO(buf_done) struct buf out = BUF_INIT(16 * MIB);
    struct str want = str_of(from);
    bool is_found = false;

    for (size_t i = 0; i < text.n;) {
        if (!is_found && str_starts(str_skip(text, i), want)) {
            buf_add(&out, str_of(to));
            i += want.n;
            is_found = true;
        } else {
            buf_add_char(&out, text.p[i++]);
        }
    }
    EXPECT(is_found, "nowhere: %s", from);
    return arena_copy(world.arena, buf_str(&out));
}

/* A proposal with all there is: claimed, noted, edited, released, redeemed (not here), reported. */
static inline struct proposal full_story(void)
{
    struct proposal p;
    struct story_cmd note = {.deed = COMMENT, .caller = {.person = story.ana}};

    OK(submit(story.bot,
              "{\"action\":\"refund.issue\",\"arguments\":{\"amount\":5},\"brief\":{\"summary\":"
              "\"<b>\\u202eS</b>\"},\"subject\":\"customer:W1\"}",
              &p));
    OK(claim(story.ana, &p));
    note.id = p.id;
    OK(story_do(&note));
    OK(modify(story.ana, &p, "{\"amount\":4}", false));
    pass(6 * SECOND_US, &p);
    EXPECT(p.state == PROPOSAL_APPROVED, "released");
    OK(by_agent_do(OUTCOME, story.bot, &p));
    return p;
}

/* What somebody who writes to the store could append as leaves of a running log. */
struct forgery {
    struct proposal *p;
    enum journal_kind kind;
    struct actor by;
    const char *data;
    struct str payload;
};

SQL(SQL_FORGE_ROW, "UPDATE proposals SET last_leaf = $leaf WHERE row = $row");

static inline enum fm_err forge(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct forgery *f = with;
    struct journal_event event = {.kind = f->kind,
                                  .by = f->by,
                                  .proposal = f->p->id,
                                  .previous = f->p->last_leaf,
                                  .at_us = story.now_us,
                                  .data = str_of(f->data),
                                  .payload = f->payload};
    uint64_t leaf;

    TRY(journal_append(ctx, conn, &event, &leaf));
    f->p->last_leaf = (int64_t)leaf;
    return store_exec(ctx, conn, &SQL_FORGE_ROW,
                      ARGS(A_INT("$leaf", leaf), A_INT("$row", f->p->row)));
}

#endif
