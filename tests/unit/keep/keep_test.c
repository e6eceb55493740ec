/* SPDX-License-Identifier: Apache-2.0
 *
 * Verifying finds every kind of tampering; backups and restores keep what they must and never overwrite.
 */
#include "../flow/story.h"

#include "keep/keep.h"
#include "store/store_internal.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct note_verifier verifier;
static struct str early_note; /* a checkpoint from the middle of the story */
static int copies;

/* A story with something of everything ------------------------------------------------------- */

static void sign(void)
{
    struct story_cmd c = {.deed = SIGN};

    OK(story_do(&c));
}

static void keep_early_note(void)
{
    AUTO(buf_done) struct buf note = BUF_INIT(64 * KIB);

    sign();
    journal_checkpoint(world.instance.journal, &note);
    early_note = arena_copy(world.arena, buf_str(&note));
}

static void tell_story(void)
{
    AUTO(buf_done) struct buf vkey = BUF_INIT(4 * KIB);
    struct proposal p;
    struct story_cmd comment = {.deed = COMMENT, .caller = {.person = story.ana}};

    p = held();
    OK(decide(story.ana, &p, DECISION_REJECT));
    keep_early_note();
    p = held();
    OK(decide(story.ana, &p, DECISION_APPROVE));
    pass(5 * SECOND_US, &p);
    OK(by_agent_do(OUTCOME, story.bot, &p));
    p = held();
    comment.id = p.id;
    OK(story_do(&comment));
    OK(claim(story.ben, &p));
    p = held();
    OK(modify(story.ana, &p, "{\"amount\":4}", false));
    OK(submit(story.bot, "{\"action\":\"no.way\",\"arguments\":{}}", &p));
    p = held();
    OK(decide(story.ana, &p, DECISION_RETURN));
    for (int i = 0; i < 270; i++) { /* more than one tile */
        OK(submit(story.bot, "{\"action\":\"auto.go\",\"arguments\":{}}", &p));
    }
    sign();
    journal_vkey(world.instance.journal, &vkey);
    EXPECT(note_verifier_parse(buf_str(&vkey), &verifier), "the log's key");
}

/* A copy of the closed store, with `sql` done to it. */
static void tamper(const char *dir, const char *sql)
{
    struct store_conn *conn;

    OK(conn_open(&world.ctx, dir, true, &conn));
    OK(conn_script(&world.ctx, conn, sql));
    conn_close(conn);
}

static const char *tampered_copy(const char *sql)
{
    const char *dir = arena_printf(world.arena, "%s/copy%d", world.dir, copies++).p;

    OK(keep_backup(&world.ctx, world.dir, dir, NULL, NULL));
    tamper(dir, sql);
    return dir;
}

static void verify(const char *dir, struct str against, struct verify_report *report)
{
    struct verify_options options = {.verifier = &verifier, .against = against};
    struct store_conn *conn;

    OK(store_open_readonly(&world.ctx, dir, &conn));
    OK(keep_verify(&world.ctx, conn, &options, report));
    store_reader_close(conn);
}

static bool mentions(const struct verify_report *report, const char *text)
{
    for (uint64_t i = 0; i < report->finding_count && i < FINDINGS_MAX; i++) {
        if (strstr(report->findings[i].p, text)) {
            return true;
        }
    }
    return false;
}

/* Verify ------------------------------------------------------------------------------------- */

static void test_sound(void **state)
{
    static struct verify_report report;
    uint64_t leaves = 0;

    (void)state;
    tell_story();
    leaves = journal_size(world.instance.journal);
    verify(world.dir, early_note, &report); /* while the server is at work */
    EXPECT(report.finding_count == 0, "first finding: %s",
           report.finding_count ? report.findings[0].p : "");
    EXPECT(report.leaves == leaves && report.proposals == 276 && report.checkpoints >= 2,
           "all was read");
    EXPECT(report.payloads > 280 && report.erased == 0, "%llu payloads",
           (unsigned long long)report.payloads);
    EXPECT_STR("whose log", report.origin, str_of(verifier.name));
}

/* What an insider could do with the database, and a word of what must be found. "": any finding. */
static const struct {
    const char *name, *sql, *finding;
} rows[] = {
    {"nothing", "SELECT 1", NULL},
    {"a payload erased with its salt: no tampering",
     "UPDATE payloads SET salt = NULL, body = NULL WHERE idx"
     " = (SELECT payload FROM proposals LIMIT 1)",
     NULL},
    {"an entry changed",
     "UPDATE log_entries SET entry = CAST(replace(CAST(entry AS TEXT), 'auto.go',"
     " 'auto.gx') AS BLOB) WHERE idx = 100",
     "tile 0/0 does not fit"},
    {"an entry changed that is in no full tile",
     "UPDATE log_entries SET entry ="
     " CAST(replace(CAST(entry AS TEXT), 'auto.go', 'auto.gx') AS BLOB) WHERE idx ="
     " (SELECT max(idx) FROM log_entries)",
     "root of the log"},
    {"an entry that is not JSON", "UPDATE log_entries SET entry = x'00' WHERE idx = 50",
     "canonical"},
    {"an entry with a space more",
     "UPDATE log_entries SET entry = CAST(CAST(entry AS TEXT) || ' ' AS BLOB)"
     " WHERE idx = 50",
     "canonical"},
    {"an entry removed", "DELETE FROM log_entries WHERE idx = 60", "leaf 60 is missing"},
    {"the last entry removed",
     "DELETE FROM log_entries WHERE idx = (SELECT max(idx) FROM log_entries)", "its head says"},
    {"two entries exchanged",
     "UPDATE log_entries SET idx = -1 WHERE idx = 70; UPDATE log_entries SET idx ="
     " 70 WHERE idx = 71; UPDATE log_entries SET idx = 71 WHERE idx = -1",
     "tile 0/0 does not fit"},
    {"an entry added",
     "INSERT INTO log_entries(idx, previous, entry) SELECT max(idx) + 1, NULL,"
     " CAST('{}' AS BLOB) FROM log_entries",
     "its head says"},
    {"the tail cut, with the head",
     "DELETE FROM log_entries WHERE idx >= 290; UPDATE log_head SET size = 290",
     "a checkpoint was signed for"},
    {"an entry that points forward", "UPDATE log_entries SET previous = 200 WHERE idx = 199",
     "forward"},
    {"a tile changed", "UPDATE log_tiles SET hashes = zeroblob(8192) WHERE tile = 0", "tile 0/0"},
    {"a tile removed", "DELETE FROM log_tiles WHERE tile = 0", "tile 0/0"},
    {"a tile above changed", "UPDATE log_tiles SET hashes = zeroblob(32) WHERE tile = 1 << 48",
     "tile 1/0"},
    {"a tile too many", "INSERT INTO log_tiles VALUES(7, zeroblob(8192))", "tiles are stored"},
    {"another head", "UPDATE log_head SET root = zeroblob(32)", "root of the log"},
    {"a head of another size", "UPDATE log_head SET size = size - 1", "its head says"},
    {"no head", "DELETE FROM log_head", "its head says"},
    {"a checkpoint that is no note",
     "UPDATE log_checkpoints SET note = 'x' WHERE size ="
     " (SELECT min(size) FROM log_checkpoints)",
     "checkpoint of size"},
    {"a checkpoint changed",
     "UPDATE log_checkpoints SET note = replace(note, char(10) || size || char(10),"
     " char(10) || (size + 1) || char(10))",
     "checkpoint of size"},
    {"a checkpoint under another size",
     "UPDATE log_checkpoints SET size = size + 1 WHERE size ="
     " (SELECT min(size) FROM log_checkpoints)",
     "says another size"},
    {"a payload changed",
     "UPDATE payloads SET body = CAST(replace(CAST(body AS TEXT), '\"amount\":5',"
     " '\"amount\":6') AS BLOB) WHERE idx = (SELECT payload FROM proposals LIMIT 1)",
     "was committed to"},
    {"a salt changed", "UPDATE payloads SET salt = zeroblob(16) WHERE idx = 30",
     "was committed to"},
    {"a body erased, the salt kept", "UPDATE payloads SET body = NULL WHERE idx = 30",
     "was committed to"},
    {"a payload removed", "DELETE FROM payloads WHERE idx = 30", "payload of leaf 30 is missing"},
    {"a payload where none was",
     "INSERT INTO payloads SELECT idx, x'00', x'00' FROM log_entries WHERE idx"
     " NOT IN (SELECT idx FROM payloads) LIMIT 1",
     "commits to nothing"},
    {"a payload of no leaf", "INSERT INTO payloads VALUES(99999, x'00', x'00')",
     "belong to no leaf"},
    {"a rejection made an approval", "UPDATE proposals SET state = 3 WHERE state = 7", ""},
    {"a block made an approval", "UPDATE proposals SET state = 3, verdict = 1 WHERE state = 8", ""},
    {"a hold made an approval", "UPDATE proposals SET state = 3, verdict = 1 WHERE state = 1", ""},
    {"an outcome taken away to redeem again", "UPDATE proposals SET state = 3 WHERE state = 6", ""},
    {"an unknown state", "UPDATE proposals SET state = 77 WHERE row = 1", ""},
    {"a digest changed", "UPDATE proposals SET digest = zeroblob(32) WHERE row = 1",
     "callback of prp_"},
    {"another revision", "UPDATE proposals SET revision = 9 WHERE row = 1", "callback of prp_"},
    {"another agent", "UPDATE proposals SET agent = 3 WHERE row = 1", "callback of prp_"},
    {"another proposal's newest leaf",
     "UPDATE proposals SET last_leaf = (SELECT last_leaf FROM proposals"
     " WHERE row = 2) WHERE row = 1",
     ""},
    {"a newest leaf that is none", "UPDATE proposals SET last_leaf = 99999 WHERE row = 1", ""},
    {"an entry about nobody's proposal that points back",
     "UPDATE log_entries SET previous = 0 WHERE idx = 1", "about no proposal"},
    {"another callback", "UPDATE proposals SET callback = 'https://evil.example/' WHERE row = 1",
     "callback of prp_"},
    {"another category", "UPDATE proposals SET category = 'zz' WHERE row = 1", "another category"},
    {"another verdict of the policy",
     "UPDATE proposals SET assessment = json_set(assessment, '$.verdict', 'allow') WHERE row = 1",
     "was assessed otherwise"},
    {"no assessment", "UPDATE proposals SET assessment = 'x' WHERE row = 1",
     "was assessed otherwise"},
    {"another policy", "UPDATE proposals SET policy = 77 WHERE row = 1", "by another policy"},
    {"another queue", "UPDATE proposals SET queue = 'mine' WHERE row = 1", "in another queue"},
    {"another first queue", "UPDATE proposals SET first_queue = 'mine' WHERE row = 1",
     "in another queue"},
    {"decided another way", "UPDATE proposals SET via = 3 - via WHERE via IS NOT NULL",
     "has another decision"},
    {"another outcome", "UPDATE proposals SET outcome = 3 WHERE outcome = 1", "another outcome"},
    {"an outcome from nowhere", "UPDATE proposals SET outcome = 1 WHERE row = 1",
     "another outcome"},
    {"claimed by another", "UPDATE proposals SET claimed_by = 1 WHERE state = 1",
     "claimed by somebody else"},
    {"released earlier", "UPDATE proposals SET release_at = 1 WHERE state = 2",
     "to be released at another time"},
    {"withdrawn by somebody", "UPDATE proposals SET ended_by = id WHERE row = 1",
     "withdrawn by somebody else"},
    {"escalated", "UPDATE proposals SET escalations = 1 WHERE row = 1", "backup queues"},
    {"another request", "UPDATE proposals SET payload = payload + 1 WHERE row = 1", ""},
    {"roles taken", "UPDATE people SET roles = 0 WHERE row = 1", "has another set of roles"},
    {"roles given", "UPDATE people SET roles = 31 WHERE row = 1", "has another set of roles"},
    {"another name", "UPDATE people SET name = 'mallory' WHERE row = 1", "has another name"},
    {"somebody deactivated", "UPDATE people SET disabled_at = 1 WHERE row = 1", "deactivated"},
    {"made by somebody else", "UPDATE people SET created_by = id WHERE row = 1", "another maker"},
    {"somebody removed", "DELETE FROM people WHERE row = 3", "has no row"},
    {"somebody invented",
     "INSERT INTO people(id, name, roles, created_at) VALUES(zeroblob(15) || x'07', 'eve', 31, 1)",
     "of which no leaf tells"},
    {"another agent's name", "UPDATE agents SET name = name || 'x'", "has another name"},
    {"another owner", "UPDATE agents SET owner = owner + 1", "has another owner"},
    {"other hosts", "UPDATE agents SET hosts = '[\"evil.example\"]'", "another list of hosts"},
    {"an agent deactivated", "UPDATE agents SET disabled_at = 1", "deactivated"},
    {"a key revoked", "UPDATE credentials SET revoked_at = 1 WHERE kind = 0", "revoked or not"},
    {"a key of another", "UPDATE credentials SET agent = agent + 1 WHERE kind = 0",
     "another holder"},
    {"a key removed", "DELETE FROM credentials WHERE kind = 0", "has no row"},
    {"a key made a token", "UPDATE credentials SET kind = 1, person = 1, agent = NULL",
     "another kind"},
    {"a second secret for a key",
     "INSERT INTO credentials(hash, id, kind, agent, created_at, created_by) SELECT zeroblob(32),"
     " id, kind, agent, created_at, created_by FROM credentials WHERE kind = 0 LIMIT 1",
     "twice"},
    {"a session from nowhere",
     "INSERT INTO credentials(hash, id, kind, person, created_at, expires_at)"
     " VALUES(zeroblob(32), zeroblob(15) || x'07', 2, 1, 1, 9e15)",
     "of which no leaf tells"},
    {"no policy in force", "UPDATE policies SET state = 2", "candidate, active or retired"},
    {"another text of the policy",
     "UPDATE policies SET source = replace(coalesce(source, canonical), 'review', 'allow')",
     "has another text"},
    {"a text that is no policy", "UPDATE policies SET source = '{'", "has another text"},
    {"another canonical text", "UPDATE policies SET canonical = '{}'", "another canonical text"},
    {"another version", "UPDATE policies SET hash = zeroblob(32)", "has another version"},
    {"by another road", "UPDATE policies SET road = 1 - road", "another road"},
    {"marked as alone", "UPDATE policies SET alone = 1 - alone", "one person alone"},
    {"proposed by somebody", "UPDATE policies SET proposed_by = 1", "another proposer"},
    {"activated by somebody", "UPDATE policies SET activated_by = 1", "who activated it"},
    {"made a shadow", "UPDATE policies SET shadow_since = 1", "place as shadow"},
    {"a pause from nowhere",
     "INSERT INTO pauses(id, covers, by, at) VALUES(zeroblob(15) || x'07', 0, zeroblob(16), 1)",
     "of which no leaf tells"},
    {"a comment of another", "UPDATE comments SET person = person + 1", "a row of comments"},
    {"a comment removed", "DELETE FROM comments", "are comments, the table has 0"},
    {"a comment twice",
     "INSERT INTO comments(id, proposal, person, at, leaf) SELECT zeroblob(16), proposal, person,"
     " at, leaf FROM comments",
     "a row of comments"},
    {"another epoch", "INSERT OR REPLACE INTO meta(name, value) VALUES('epoch', 5)",
     "is in epoch 5, its leaves tell of 1"},
};

static void test_tampering(void **state)
{
    static struct verify_report report;

    (void)state;
    tell_story();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        verify(tampered_copy(rows[i].sql), STR_NONE, &report);
        EXPECT((report.finding_count > 0) == (rows[i].finding != NULL), "%s: %llu findings: %s",
               rows[i].name, (unsigned long long)report.finding_count,
               report.finding_count ? report.findings[0].p : "");
        EXPECT(!rows[i].finding || mentions(&report, rows[i].finding), "%s: %s", rows[i].name,
               report.findings[0].p);
    }
}

/* An insider with the signing key writes a whole new log: only somebody's earlier checkpoint tells. */
static void test_against(void **state)
{
    static struct verify_report report;
    struct str forged;

    (void)state;
    tell_story();
    verify(world.dir, early_note, &report);
    EXPECT(report.finding_count == 0, "the story as it was");
    verify(tampered_copy("UPDATE log_entries SET entry = x'7b7d' WHERE idx = 3"), early_note,
           &report);
    EXPECT(mentions(&report, "earlier checkpoint"), "another beginning");
    verify(tampered_copy(
               "DELETE FROM log_entries WHERE idx >= 2; DELETE FROM log_tiles;"
               " DELETE FROM log_checkpoints; DELETE FROM proposals; UPDATE log_head SET size = 2"),
           early_note, &report);
    EXPECT(mentions(&report, "tail was cut off"), "shorter than it was");
    forged = arena_copy(world.arena, early_note);
    ((char *)(uintptr_t)forged.p)[forged.n - 10] ^= 1;
    verify(world.dir, forged, &report);
    EXPECT(report.finding_count > 0, "a note that nobody signed");
}

static void test_many_findings(void **state)
{
    static struct verify_report report;

    (void)state;
    tell_story();
    verify(tampered_copy("UPDATE payloads SET salt = zeroblob(16)"), STR_NONE, &report);
    EXPECT(report.finding_count > FINDINGS_MAX, "all are counted: %llu",
           (unsigned long long)report.finding_count);
}

/* Backup and restore ------------------------------------------------------------------------- */

static void test_backup(void **state)
{
    static const char *const files[] = {"fermata.db", "log.key"};
    const char *dir = arena_printf(world.arena, "%s/backup", world.dir).p;
    static struct verify_report report;
    mode_t before = umask(022); /* as the command line's: the copy is private all the same */

    (void)state;
    tell_story();
    (void)umask(022);
    OK(keep_backup(&world.ctx, world.dir, dir, NULL, NULL));
    (void)umask(before);
    verify(dir, early_note, &report);
    EXPECT(report.finding_count == 0 && report.leaves == journal_size(world.instance.journal),
           "whole");
    REFUSED(keep_refuse_backup(&world.ctx, dir), FM_E_EXISTS); /* its permits would be good twice */
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct stat stat_;
        assert_int_equal(stat(arena_printf(world.arena, "%s/%s", dir, files[i]).p, &stat_), 0);
        EXPECT((stat_.st_mode & 077) == 0, "%s of a backup is for its owner alone: %o", files[i],
               (unsigned)stat_.st_mode & 0777);
    }
    REFUSED(keep_backup(&world.ctx, world.dir, dir, NULL, NULL), FM_E_EXISTS);
    REFUSED(keep_backup(&world.ctx, arena_printf(world.arena, "%s/nowhere", world.dir).p,
                        arena_printf(world.arena, "%s/other", world.dir).p, NULL, NULL),
            FM_E_NOT_FOUND);
}

/* The policy of the backup rules on, and waits to be confirmed: once, however often it is restored. */
static void expect_waiting(const char *restored)
{
    struct policy_version active, waits;
    struct store_conn *conn;
    bool marked;
    int64_t candidates;
    SQL(SQL_CANDIDATES, "SELECT count(*) FROM policies WHERE state = 0");

    OK(store_open_readonly(&world.ctx, restored, &conn));
    OK(flow_version_active(&world.ctx, conn, &active));
    OK(flow_version_candidate(&world.ctx, conn, &waits));
    OK(flow_read_restored(&world.ctx, conn, &marked));
    OK(store_int(&world.ctx, conn, &SQL_CANDIDATES, NO_ARGS, 0, &candidates));
    EXPECT(marked && candidates == 1, "%lld wait", (long long)candidates);
    EXPECT(waits.road == ROAD_RESTORE && !waits.proposed_by && waits.loosened.p, "from a restore");
    EXPECT(hash_eq(waits.version, active.version) && waits.row != active.row, "the same text");
    store_reader_close(conn);
}

static void test_restore(void **state)
{
    const char *backup = arena_printf(world.arena, "%s/backup", world.dir).p;
    const char *restored = arena_printf(world.arena, "%s/restored", world.dir).p;
    static struct verify_report report;
    struct store_conn *conn;
    int64_t epoch = 0, stored;
    uint64_t leaves;

    (void)state;
    tell_story();
    leaves = journal_size(world.instance.journal);
    OK(keep_backup(&world.ctx, world.dir, backup, NULL, NULL));
    OK(keep_restore(&world.ctx, backup, restored, &epoch));
    EXPECT(epoch == 2, "the second epoch");
    OK(keep_refuse_backup(&world.ctx, restored));
    OK(store_open_readonly(&world.ctx, restored, &conn));
    OK(resume_epoch(&world.ctx, conn, &stored));
    EXPECT(stored == 2, "stored: permits of the first are void");
    store_reader_close(conn);
    verify(restored, early_note, &report);
    EXPECT(report.finding_count == 0, "sound: %s",
           report.finding_count ? report.findings[0].p : "");
    EXPECT(report.leaves == leaves + 2, "the log says that it was restored, and its policy waits");
    EXPECT_STR("the same log", report.origin, str_of(verifier.name));
    expect_waiting(restored);
    REFUSED(keep_restore(&world.ctx, backup, restored, &epoch), FM_E_EXISTS);
    REFUSED(keep_restore(&world.ctx, backup, world.dir, &epoch), FM_E_EXISTS);
    OK(keep_refuse_backup(&world.ctx, world.dir)); /* a refused restore marks nothing */
    OK(keep_restore(&world.ctx, restored, arena_printf(world.arena, "%s/again", world.dir).p,
                    &epoch));
    EXPECT(epoch == 3, "each restore opens one more");
    expect_waiting(arena_printf(world.arena, "%s/again", world.dir).p);
    tamper(restored, "UPDATE policies SET road = 1 WHERE road = 3");
    verify(restored, STR_NONE, &report);
    EXPECT(mentions(&report, "another road"), "a restore cannot be made to look like a proposal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY_TEST(test_sound),         STORY_TEST(test_tampering), STORY_TEST(test_against),
        STORY_TEST(test_many_findings), STORY_TEST(test_backup),    STORY_TEST(test_restore),
    };

    return CHECK_RUN(tests);
}
