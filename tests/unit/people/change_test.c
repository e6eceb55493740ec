/* SPDX-License-Identifier: Apache-2.0
 *
 * Changes of people and agents, and what the directory shows after each commit.
 */
#include "world.h"

SQL(SQL_COUNT_PEOPLE, "SELECT count(*) FROM people");
SQL(SQL_COUNT_AGENTS, "SELECT count(*) FROM agents");
SQL(SQL_COUNT_CREDENTIALS, "SELECT count(*) FROM credentials");
SQL(SQL_COUNT_LEAVES, "SELECT count(*) FROM log_entries");
SQL(SQL_COUNT_NAMED_LEAVES, "SELECT count(*) FROM log_entries WHERE instr(CAST(entry AS TEXT), 'ana')"
                            " OR instr(CAST(entry AS TEXT), 'bot') OR instr(CAST(entry AS TEXT), 'hooks')");
SQL(SQL_COUNT_NAMED_PAYLOADS, "SELECT count(*) FROM payloads WHERE CAST(body AS TEXT) IN ('{\"name\":\"ana\"}',"
                              " '{\"hosts\":[\"hooks.example\"],\"name\":\"bot\"}')");
SQL(SQL_COUNT_SECRETS, "SELECT count(*) FROM credentials WHERE instr(hash, 'fka_')"
                       " OR instr(hash, 'fkr_') OR instr(hash, 'fkc_') OR length(hash) <> 32");

/* What a command needs and what came of it. */
struct work {
    const char *name, *of;
    unsigned roles;
    const char *password;
    struct policy_list hosts;
    const struct person *person;
    const struct credential *session;
    struct id id;
    char secret[SECRET_TEXT_SIZE], webhook_secret[SECRET_TEXT_SIZE];
};

static enum fm_err add_person(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_add_person(ctx, conn, world_operator, str_of(work->name), work->roles, work->password,
                             &work->id);
}

static enum fm_err add_agent(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_add_agent(ctx, conn, world_operator, str_of(work->name), str_of(work->of), work->hosts,
                            &work->id, work->secret, work->webhook_secret);
}

static enum fm_err add_key(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_add_key(ctx, conn, world_operator, str_of(work->of), &work->id, work->secret);
}

static enum fm_err add_token(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_add_token(ctx, conn, world_operator, str_of(work->of), &work->id, work->secret);
}

static enum fm_err sign_in(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_sign_in(ctx, conn, work->person, &work->id, work->secret);
}

static enum fm_err sign_out(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_sign_out(ctx, conn, work->session);
}

static void must(enum fm_err (*act)(struct ctx *, struct store_conn *, void *), struct work *work)
{
    EXPECT(world_do(act, work) == FM_OK, "%s: %s", work->name ? work->name : work->of,
           world.ctx.detail);
}

static void add_ana(struct work *ana)
{
    *ana = (struct work){.name = "ana", .roles = ROLE_BIT(ROLE_REVIEWER) | ROLE_BIT(ROLE_LEAD),
                         .password = "$argon2id$encoded"};
    must(add_person, ana);
}

/* The directory -------------------------------------------------------------------------------- */

static void test_a_person_is_found(void **state)
{
    const struct directory *before = directory_keep(), *after;
    const struct person *person;
    struct work ana;

    (void)state;
    add_ana(&ana);
    EXPECT(!directory_person(before, S("ana")), "a kept picture does not change");
    directory_drop(before);
    after = directory_keep();
    person = directory_person(after, S("ana"));
    EXPECT(person != NULL, "by name");
    EXPECT(person == directory_person_by_id(after, ana.id), "by id");
    EXPECT(person == directory_person_by_row(after, person->row), "by row");
    EXPECT_STR("name", person->name, S("ana"));
    EXPECT(person->roles == ana.roles, "roles: %u", person->roles);
    EXPECT_STR("password", str_of(person->password), S("$argon2id$encoded"));
    EXPECT(!directory_person(after, S("an")) && !directory_person(after, S("")), "others are not");
    EXPECT(!directory_person_by_row(after, person->row + 1), "nor other rows");
    EXPECT(!directory_agent(after, S("ana")), "a person is no agent");
    directory_drop(after);
}

static void test_an_agent_is_found_with_its_key(void **state)
{
    struct str host = S("hooks.example");
    struct work ana, bot = {.name = "bot", .of = "ana", .hosts = {&host, 1}};
    const struct directory *directory;
    const struct credential *credential;

    (void)state;
    add_ana(&ana);
    must(add_agent, &bot);
    directory = directory_keep();
    credential = directory_credential(directory, str_of(bot.secret));
    EXPECT(credential && credential->kind == CREDENTIAL_AGENT_KEY, "the key is known");
    EXPECT(credential->agent == directory_agent(directory, S("bot")), "and is the agent's");
    EXPECT(credential->agent == directory_agent_by_id(directory, bot.id), "by id");
    EXPECT(credential->agent == directory_agent_by_row(directory, credential->agent->row), "by row");
    EXPECT(credential->agent->owner == directory_person(directory, S("ana"))->row, "owner");
    EXPECT(!credential->person && credential->expires_at_us == 0, "no person, no end");
    EXPECT(strlen(bot.secret) == 47 && str_starts(str_of(bot.secret), S("fka_")), "%s", bot.secret);
    EXPECT(strlen(bot.webhook_secret) == 38 && str_starts(str_of(bot.webhook_secret), S("whsec_")),
           "%s", bot.webhook_secret);
    directory_drop(directory);
}

static void test_nearly_the_secret_is_not_the_secret(void **state)
{
    struct work ana, token = {.of = "ana"};
    const struct directory *directory;

    (void)state;
    add_ana(&ana);
    must(add_token, &token);
    directory = directory_keep();
    EXPECT(directory_credential(directory, str_of(token.secret)) != NULL, "the whole");
    EXPECT(!directory_credential(directory, (struct str){token.secret, 46}), "one less");
    EXPECT(!directory_credential(directory, (struct str){token.secret, 48}), "one more");
    token.secret[46] = token.secret[46] == 'A' ? 'B' : 'A';
    EXPECT(!directory_credential(directory, str_of(token.secret)), "another letter");
    EXPECT(!directory_credential(directory, S("")), "nothing");
    EXPECT(!directory_credential(directory, STR_NONE), "absent");
    directory_drop(directory);
}

static void test_keys_add_up(void **state)
{
    struct work ana, bot = {.name = "bot", .of = "ana"}, key = {.of = "bot"};
    const struct directory *directory;

    (void)state;
    add_ana(&ana);
    must(add_agent, &bot);
    must(add_key, &key);
    EXPECT(strcmp(bot.secret, key.secret) != 0, "another key");
    directory = directory_keep();
    EXPECT(directory_credential(directory, str_of(bot.secret)) != NULL, "the first stays");
    EXPECT(directory_credential(directory, str_of(key.secret)) != NULL, "the second works");
    EXPECT(id_eq(directory_credential(directory, str_of(key.secret))->id, key.id), "under its id");
    directory_drop(directory);
}

static void count_person(void *with, const struct person *person)
{
    char (*names)[64] = with;

    (void)snprintf(*names + strlen(*names), sizeof(*names) - strlen(*names), "%.*s ",
                   STR_ARG(person->name));
}

static void test_order_and_restart(void **state)
{
    static const char *const names[] = {"zoe", "ana", "mia"};
    char seen[64] = "";
    const struct directory *directory;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct work work = {.name = names[i], .roles = 1};
        must(add_person, &work);
    }
    world_close();
    world_open();
    directory = directory_keep();
    directory_each_person(directory, count_person, &seen);
    EXPECT_STR("in the order of their coming, after a restart", str_of(seen), S("zoe ana mia "));
    directory_drop(directory);
}

/* Switched off --------------------------------------------------------------------------------- */

SQL(SQL_DISABLE_PEOPLE, "UPDATE people SET disabled_at = 1");
SQL(SQL_DISABLE_AGENTS, "UPDATE agents SET disabled_at = 1");
SQL(SQL_REVOKE, "UPDATE credentials SET revoked_at = 1");

static const struct {
    const char *row;
    const struct sql *sql;
    bool person, agent, key, token; /* what is still found */
} switches[] = {
    {"people", &SQL_DISABLE_PEOPLE, false, true, true, false},
    {"agents", &SQL_DISABLE_AGENTS, true, false, false, true},
    {"credentials", &SQL_REVOKE, true, true, false, false},
};

static enum fm_err run_switch(struct ctx *ctx, struct store_conn *conn, void *with)
{
    const struct sql *const *sql = with;

    return store_exec(ctx, conn, *sql, NO_ARGS);
}

static void test_switched_off_is_not_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(switches); i++) {
        struct work ana, bot = {.name = "bot", .of = "ana"}, token = {.of = "ana"};
        const struct sql *sql = switches[i].sql;
        const struct directory *directory;

        (void)world_teardown(NULL);
        EXPECT(world_setup(NULL) == 0, "a fresh world");
        add_ana(&ana);
        must(add_agent, &bot);
        must(add_token, &token);
        EXPECT(world_do(run_switch, &sql) == FM_OK, "%s", world.ctx.detail);
        world_close();
        world_open();
        directory = directory_keep();
        EXPECT(!!directory_person(directory, S("ana")) == switches[i].person, "%s", switches[i].row);
        EXPECT(!!directory_agent(directory, S("bot")) == switches[i].agent, "%s", switches[i].row);
        EXPECT(!!directory_credential(directory, str_of(bot.secret)) == switches[i].key, "%s: key",
               switches[i].row);
        EXPECT(!!directory_credential(directory, str_of(token.secret)) == switches[i].token,
               "%s: token", switches[i].row);
        directory_drop(directory);
    }
}

/* Sessions ------------------------------------------------------------------------------------- */

#define START_US (INT64_C(1800000000) * SECOND_US)

static void test_a_session_lasts_twelve_hours(void **state)
{
    struct work ana, session;
    const struct directory *directory;
    const struct credential *found;

    (void)state;
    clock_set_virtual_us(START_US);
    add_ana(&ana);
    directory = directory_keep();
    session = (struct work){.of = "ana", .person = directory_person(directory, S("ana"))};
    must(sign_in, &session);
    directory_drop(directory);
    directory = directory_keep();
    found = directory_credential(directory, str_of(session.secret));
    EXPECT(found && found->kind == CREDENTIAL_SESSION, "signed in");
    EXPECT(found->expires_at_us == START_US + SESSION_US, "until 12 hours from now");
    EXPECT(str_starts(str_of(session.secret), S("fkc_")), "%s", session.secret);
    clock_set_virtual_us(START_US + SESSION_US - 1);
    EXPECT(directory_credential(directory, str_of(session.secret)) != NULL, "at its last moment");
    clock_set_virtual_us(START_US + SESSION_US);
    EXPECT(!directory_credential(directory, str_of(session.secret)), "not a moment longer");
    directory_drop(directory);
}

static void test_sign_out_ends_one_session_only(void **state)
{
    struct work ana, first, second;
    const struct directory *directory;
    int64_t leaves;

    (void)state;
    add_ana(&ana);
    directory = directory_keep();
    first = second = (struct work){.of = "ana", .person = directory_person(directory, S("ana"))};
    must(sign_in, &first);
    must(sign_in, &second);
    directory_drop(directory);
    directory = directory_keep();
    first.session = directory_credential(directory, str_of(first.secret));
    must(sign_out, &first);
    leaves = world_count(&SQL_COUNT_LEAVES);
    must(sign_out, &first); /* again: nothing to do, nothing to record */
    EXPECT(world_count(&SQL_COUNT_LEAVES) == leaves, "one sign-out, one leaf");
    directory_drop(directory);
    directory = directory_keep();
    EXPECT(!directory_credential(directory, str_of(first.secret)), "the first is out");
    EXPECT(directory_credential(directory, str_of(second.secret)) != NULL, "the second is not");
    directory_drop(directory);
}

static void test_a_token_cannot_be_signed_out(void **state)
{
    struct work ana, token = {.of = "ana"};
    const struct directory *directory;

    (void)state;
    add_ana(&ana);
    must(add_token, &token);
    directory = directory_keep();
    token.session = directory_credential(directory, str_of(token.secret));
    EXPECT(world_do(sign_out, &token) == FM_E_FORBIDDEN, "%s", world.ctx.detail);
    directory_drop(directory);
}

static void test_sessions_are_bounded(void **state)
{
    struct work ana, first = {0}, last = {0};
    const struct directory *directory = NULL;

    (void)state;
    clock_set_virtual_us(START_US);
    add_ana(&ana);
    directory = directory_keep();
    for (int i = 0; i < 33; i++) {
        last = (struct work){.of = "ana", .person = directory_person(directory, S("ana"))};
        must(sign_in, &last);
        first = i == 0 ? last : first;
    }
    EXPECT(world_count(&SQL_COUNT_CREDENTIALS) == 32, "32 sessions at most");
    directory_drop(directory);
    directory = directory_keep();
    EXPECT(!directory_credential(directory, str_of(first.secret)), "the oldest gave way");
    EXPECT(directory_credential(directory, str_of(last.secret)) != NULL, "the newest is there");
    clock_set_virtual_us(START_US + SESSION_US);
    last.person = directory_person(directory, S("ana"));
    must(sign_in, &last);
    EXPECT(world_count(&SQL_COUNT_CREDENTIALS) == 1, "what has expired is swept out");
    directory_drop(directory);
}

SQL(SQL_CHANGE_PASSWORD, "UPDATE people SET password = 'another'");

static enum fm_err change_password(struct ctx *ctx, struct store_conn *conn, void *with)
{
    (void)with;
    return store_exec(ctx, conn, &SQL_CHANGE_PASSWORD, NO_ARGS);
}

static void test_a_password_changed_meanwhile_does_not_sign_in(void **state)
{
    struct work ana, session;
    const struct directory *directory;

    (void)state;
    add_ana(&ana);
    directory = directory_keep();
    session = (struct work){.of = "ana", .person = directory_person(directory, S("ana"))};
    EXPECT(world_do(change_password, NULL) == FM_OK, "%s", world.ctx.detail);
    EXPECT(world_do(sign_in, &session) == FM_E_UNAUTHENTICATED, "checked against the old one");
    EXPECT(world_count(&SQL_COUNT_CREDENTIALS) == 0, "no session was made");
    directory_drop(directory);
}

/* The log -------------------------------------------------------------------------------------- */

static void test_names_and_secrets_stay_out_of_the_log(void **state)
{
    struct str host = S("hooks.example");
    struct work ana, bot = {.name = "bot", .of = "ana", .hosts = {&host, 1}};
    struct work key = {.of = "bot"}, token = {.of = "ana"}, session;
    const struct directory *directory;

    (void)state;
    add_ana(&ana);
    must(add_agent, &bot);
    must(add_key, &key);
    must(add_token, &token);
    directory = directory_keep();
    session = (struct work){.of = "ana", .person = directory_person(directory, S("ana"))};
    must(sign_in, &session);
    directory_drop(directory);
    /* person.added, agent.added, key.created three times, person.signed_in */
    EXPECT(world_count(&SQL_COUNT_LEAVES) == 6, "a leaf for each change");
    EXPECT(world_count(&SQL_COUNT_NAMED_LEAVES) == 0, "no leaf names anybody");
    EXPECT(world_count(&SQL_COUNT_NAMED_PAYLOADS) == 2, "the names are in the payloads");
    EXPECT(world_count(&SQL_COUNT_SECRETS) == 0, "and secrets nowhere");
}

SQL(SQL_BOTH_SECRETS, "SELECT count(*) FROM agents a JOIN old_webhook_secrets o ON o.agent = a.row"
                      " WHERE o.secret <> a.webhook_secret AND a.webhook_secret LIKE 'whsec_%'");

static enum fm_err new_secret(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;

    return people_new_webhook_secret(ctx, conn, world_operator, str_of(work->of),
                                     clock_now_us() + DAY_US,
                                     work->webhook_secret);
}

static void test_a_secret_is_replaced(void **state)
{
    struct work ana, bot = {.name = "bot", .of = "ana"}, fresh = {.of = "bot"};
    struct work nobody = {.of = "nobody"};

    (void)state;
    add_ana(&ana);
    must(add_agent, &bot);
    must(new_secret, &fresh);
    EXPECT(strcmp(bot.webhook_secret, fresh.webhook_secret) != 0, "another one");
    EXPECT(world_count(&SQL_BOTH_SECRETS) == 1, "the old one is kept beside it");
    EXPECT(world_count(&SQL_COUNT_LEAVES) == 4, "and the log says that it was replaced");
    EXPECT(world_do(new_secret, &nobody) == FM_E_NOT_FOUND, "of an agent that is not there");
}

static void test_replaced_secrets_are_kept_for_their_time(void **state)
{
    struct work ana, bot = {.name = "bot", .of = "ana"}, other = {.name = "other", .of = "ana"};
    struct work fresh = {.of = "bot"}, of_other = {.of = "other"};

    (void)state;
    add_ana(&ana);
    must(add_agent, &bot);
    must(add_agent, &other);
    for (int i = 0; i < PEOPLE_OLD_SECRETS_MAX; i++) {
        must(new_secret, &fresh);
    }
    EXPECT(world_count(&SQL_BOTH_SECRETS) == PEOPLE_OLD_SECRETS_MAX, "all of them sign");
    EXPECT(world_do(new_secret, &fresh) == FM_E_ROTATED_TOO_OFTEN, "one too many");
    EXPECT(strstr(world.ctx.detail, "can be made at 20") != NULL, "%s", world.ctx.detail);
    must(new_secret, &of_other);
    clock_set_virtual_us(clock_now_us() + DAY_US);
    must(new_secret, &fresh);
    EXPECT(world_count(&SQL_BOTH_SECRETS) == 1, "those of yesterday are gone");
}

SQL(SQL_LEAVES, "SELECT entry FROM log_entries ORDER BY idx");

/* A leaf is canonical JSON: software that is not ours reads it. */
static void test_leaves_are_canonical(void **state)
{
    struct work ana, token = {.of = "ana"};
    struct store_conn *conn;
    struct store_rows *leaves;
    int count = 0;

    (void)state;
    add_ana(&ana);
    must(add_token, &token);
    EXPECT(store_reader(&world.ctx, world.instance.store, &conn) == FM_OK, "%s", world.ctx.detail);
    EXPECT(store_query(&world.ctx, conn, &SQL_LEAVES, NO_ARGS, &leaves) == FM_OK, "%s",
           world.ctx.detail);
    while (rows_next(&world.ctx, leaves)) {
        AUTO(buf_done) struct buf again = BUF_INIT(4 * KIB);
        struct str leaf = rows_bytes(leaves, 0);
        const struct json *tree;

        EXPECT(json_parse(&world.ctx, leaf, &JSON_LIMITS_WIRE, &tree) == FM_OK, "leaf %d: %.*s: %s",
               count, STR_ARG(leaf), world.ctx.detail);
        json_write(&again, tree);
        EXPECT_STR("as it stands in the log", leaf, buf_str(&again));
        count++;
    }
    EXPECT(count == 2, "person.added, key.created: %d", count);
    store_reader_close(conn);
}

/* Refusals ------------------------------------------------------------------------------------- */

static const struct {
    const char *row;
    enum fm_err (*act)(struct ctx *, struct store_conn *, void *);
    struct work work;
    enum fm_err want;
} refusals[] = {
    {"a taken name", add_person, {.name = "ana", .roles = 1}, FM_E_EXISTS},
    {"a bad name", add_person, {.name = "Ana", .roles = 1}, FM_E_INVALID_ARGUMENT},
    {"no role", add_person, {.name = "ben"}, FM_E_INVALID_ARGUMENT},
    {"a role that does not exist", add_person, {.name = "ben", .roles = 1u << ROLE_COUNT},
     FM_E_INVALID_ARGUMENT},
    {"an owner that does not exist", add_agent, {.name = "cat", .of = "nobody"}, FM_E_NOT_FOUND},
    {"a taken agent's name", add_agent, {.name = "bot", .of = "ana"}, FM_E_EXISTS},
    {"a bad agent's name", add_agent, {.name = "a bot", .of = "ana"}, FM_E_INVALID_ARGUMENT},
    {"a key for nobody", add_key, {.of = "nobody"}, FM_E_NOT_FOUND},
    {"a key for a person", add_key, {.of = "ana"}, FM_E_NOT_FOUND},
    {"a token for nobody", add_token, {.of = "nobody"}, FM_E_NOT_FOUND},
    {"a token for an agent", add_token, {.of = "bot"}, FM_E_NOT_FOUND},
};

static void test_a_refusal_leaves_nothing(void **state)
{
    struct work ana, bot = {.name = "bot", .of = "ana"};
    int64_t people, agents, credentials, leaves;

    (void)state;
    add_ana(&ana);
    must(add_agent, &bot);
    people = world_count(&SQL_COUNT_PEOPLE);
    agents = world_count(&SQL_COUNT_AGENTS);
    credentials = world_count(&SQL_COUNT_CREDENTIALS);
    leaves = world_count(&SQL_COUNT_LEAVES);
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct work work = refusals[i].work;
        enum fm_err err = world_do(refusals[i].act, &work);
        EXPECT(err == refusals[i].want, "%s: %s", refusals[i].row, world.ctx.detail);
        EXPECT(world_count(&SQL_COUNT_PEOPLE) == people, "%s: people", refusals[i].row);
        EXPECT(world_count(&SQL_COUNT_AGENTS) == agents, "%s: agents", refusals[i].row);
        EXPECT(world_count(&SQL_COUNT_CREDENTIALS) == credentials, "%s: keys", refusals[i].row);
        EXPECT(world_count(&SQL_COUNT_LEAVES) == leaves, "%s: leaves", refusals[i].row);
        EXPECT(journal_size(world.instance.journal) == (uint64_t)leaves, "%s: log", refusals[i].row);
    }
}

/* A command that fails after it has made its changes. */
static enum fm_err add_and_fail(struct ctx *ctx, struct store_conn *conn, void *with)
{
    struct work *work = with;
    struct work agent = {.name = "late-bot", .of = work->name};

    TRY(add_person(ctx, conn, work));
    TRY(add_agent(ctx, conn, &agent));
    memcpy(work->secret, agent.secret, sizeof(work->secret));
    return fail(ctx, FM_E_PAUSED, "it goes wrong late");
}

static void test_a_rollback_leaves_no_trace(void **state)
{
    struct work late = {.name = "late", .roles = 1};
    const struct directory *directory;

    (void)state;
    EXPECT(world_do(add_and_fail, &late) == FM_E_PAUSED, "%s", world.ctx.detail);
    directory = directory_keep();
    EXPECT(!directory_person(directory, S("late")), "no person");
    EXPECT(!directory_agent(directory, S("late-bot")), "no agent");
    EXPECT(!directory_credential(directory, str_of(late.secret)), "no key");
    directory_drop(directory);
    EXPECT(world_count(&SQL_COUNT_PEOPLE) == 0 && world_count(&SQL_COUNT_AGENTS) == 0, "no rows");
    EXPECT(world_count(&SQL_COUNT_LEAVES) == 0 && journal_size(world.instance.journal) == 0, "no leaf");
    late = (struct work){.name = "late", .roles = 1};
    must(add_person, &late); /* and the name is free */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_person_is_found),
        TEST(test_an_agent_is_found_with_its_key),
        TEST(test_nearly_the_secret_is_not_the_secret),
        TEST(test_keys_add_up),
        TEST(test_order_and_restart),
        TEST(test_switched_off_is_not_found),
        TEST(test_a_session_lasts_twelve_hours),
        TEST(test_sign_out_ends_one_session_only),
        TEST(test_a_token_cannot_be_signed_out),
        TEST(test_sessions_are_bounded),
        TEST(test_a_password_changed_meanwhile_does_not_sign_in),
        TEST(test_names_and_secrets_stay_out_of_the_log),
        TEST(test_a_secret_is_replaced),
        TEST(test_replaced_secrets_are_kept_for_their_time),
        TEST(test_leaves_are_canonical),
        TEST(test_a_refusal_leaves_nothing),
        TEST(test_a_rollback_leaves_no_trace),
    };

    return CHECK_RUN(tests);
}
