/* SPDX-License-Identifier: Apache-2.0
 *
 * A policy in several files: what joins, what is refused and where, and that it is the same policy
 * as the one in one file, whether it comes from files or as one text.
 */
#include "policy_check.h"

#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WHOLE                                                                                      \
    "version: 1\n"                                                                                 \
    "actions:\n  a: {then: allow}\n  b: {then: review}\n"                                          \
    "queues:\n  leads: {members: ['role:lead']}\n  general: {members: ['role:reviewer']}\n"        \
    "rules:\n  - {id: one, when: 'true', then: earn}\n  - {id: two, when: 'true', then: review}\n"

#define MAIN                                                                                       \
    "version: 1\ninclude: [rules/b.yaml, queues.yaml]\n"                                           \
    "actions:\n  b: {then: review}\n"                                                              \
    "rules:\n  - {id: one, when: 'true', then: earn}\n"
#define PART_B "actions:\n  a: {then: allow}\nrules:\n  - {id: two, when: 'true', then: review}\n"
#define PART_QUEUES                                                                                \
    "queues:\n  leads: {members: ['role:lead']}\n  general: {members: ['role:reviewer']}\n"

#define TWO(main, part) "version: 1\ninclude: [p.yaml]\n" main "---\n" part

struct row {
    const char *name, *yaml, *findings;
};

static void test_texts(void **state)
{
    static const struct row rows[] = {
        {"one document for each", MAIN "---\n" PART_B "---\n" PART_QUEUES, ""},
        {"an empty part", TWO("", "# nothing yet\n"), ""},
        {"an empty section beside a full one",
         TWO("rules: []\n", "rules: [{id: a, when: 'true', then: review}]\n"), ""},
        {"a part that is missing", MAIN "---\n" PART_B,
         "2:25: \"queues.yaml\" is not here: in a text, what is included follows as further "
         "documents, each after a line ---"},
        {"one too many", TWO("", "rules: []\n---\nrules: []\n"),
         "6:1: another document begins here: a policy is one document, and one more for each file "
         "under `include`"},
        {"a name in both", TWO("actions: {a: {}}\n", "actions: {a: {}}\n"),
         "5:11: the key \"a\" stands here a second time, after line 3"},
        {"what belongs to the whole", TWO("", "defaults: {then: allow}\n"),
         "4:1: \"defaults\" cannot stand in a file that is included, only actions, agents, "
         "lexicons, queues, rules, budgets, tests and recipients"},
        {"an include in a part", TWO("", "include: [q.yaml]\n"),
         "4:1: \"include\" cannot stand in a file that is included, only actions, agents, "
         "lexicons, queues, rules, budgets, tests and recipients"},
        {"a list for a map", TWO("", "actions: [a]\n"),
         "4:10: \"actions\" wants a map of keys and values"},
        {"a part that is a list", TWO("", "- rules\n"),
         "4:1: a file that is included is a map of sections: `rules:`"},
        {"a mistake in a part", TWO("", "rules: [{id: a, when: '1 +', then: review}]\n"), NULL},
        {"no YAML in a part", TWO("", "rules: [\n"), NULL},
        {"out of the folder", "version: 1\ninclude: [../p.yaml]\n",
         "2:11: include wants files in the folder of this one or below, such as "
         "rules/refunds.yaml"},
        {"from the root", "version: 1\ninclude: [/etc/passwd]\n",
         "2:11: include wants files in the folder of this one or below, such as "
         "rules/refunds.yaml"},
        {"one name", "version: 1\ninclude: p.yaml\n",
         "2:10: include wants a list of at most 64 files"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        load_text(&l, rows[i].yaml);
        if (rows[i].findings) {
            EXPECT_STR(rows[i].name, findings_text(&l), str_of(rows[i].findings));
        } else {
            EXPECT(l.count == 1 && l.findings[0].at.line >= 4, "%s: is told", rows[i].name);
        }
        EXPECT((l.policy == NULL) == (l.count > 0), "%s: loads", rows[i].name);
    }
}

static void test_same_version(void **state)
{
    AUTO(loading_done) struct loading whole = {0}, parts = {0}, form = {0};

    (void)state;
    load_text(&whole, WHOLE);
    load_text(&parts, MAIN "---\n" PART_B "---\n" PART_QUEUES);
    ASSERT(whole.policy && parts.policy);
    EXPECT_STR("canonical form", parts.policy->canonical, whole.policy->canonical);
    load_str(&form, parts.policy->canonical);
    EXPECT(form.policy && memcmp(&form.policy->version, &whole.policy->version, 32) == 0,
           "the form is the same policy");
}

/* Files ---------------------------------------------------------------------------------------- */

static bool ends_with(struct str text, struct str end)
{
    return text.n >= end.n && str_eq(str_skip(text, text.n - end.n), end);
}

struct folder {
    char path[64], file[96];
};

static void write_to(const struct folder *folder, const char *name, const char *text)
{
    char path[128];
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    file = fopen(path, "we");
    ASSERT(file && fputs(text, file) >= 0);
    ASSERT(fclose(file) == 0);
}

static struct folder folder_new(void)
{
    struct folder folder;
    char rules[80];

    (void)snprintf(folder.path, sizeof(folder.path), "%s/fermata-test-XXXXXX", P_tmpdir);
    ASSERT(mkdtemp(folder.path));
    (void)snprintf(folder.file, sizeof(folder.file), "%s/policy.yaml", folder.path);
    (void)snprintf(rules, sizeof(rules), "%s/rules", folder.path);
    ASSERT(mkdir(rules, 0700) == 0);
    write_to(&folder, "policy.yaml", MAIN);
    write_to(&folder, "rules/b.yaml", "# ours\n---\n" PART_B);
    write_to(&folder, "queues.yaml", "\xEF\xBB\xBF" PART_QUEUES);
    return folder;
}

static void folder_done(struct folder *folder)
{
    static const char *const names[] = {"policy.yaml", "rules/b.yaml", "queues.yaml", "rules", ""};
    char path[128];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
        (void)remove(path);
    }
}

static void load_file(struct loading *l, const struct folder *folder)
{
    l->arena = arena_new(MIB);
    ASSERT(l->arena);
    ctx_init(&l->ctx, l->arena);
    l->err = policy_load(&l->ctx, folder->file, l->findings, &l->count, &l->policy);
}

static void test_files(void **state)
{
    AUTO(folder_done) struct folder folder = folder_new();
    AUTO(loading_done) struct loading whole = {0}, files = {0}, again = {0};

    (void)state;
    load_text(&whole, WHOLE);
    load_file(&files, &folder);
    ASSERT(whole.policy && files.policy);
    EXPECT(memcmp(&files.policy->version, &whole.policy->version, 32) == 0, "the same version");
    EXPECT(!files.policy->rules[0].at.file.p && files.policy->rules[0].at.line == 6,
           "a rule of the main file");
    EXPECT(ends_with(files.policy->rules[1].at.file, S("/rules/b.yaml")) &&
               files.policy->rules[1].at.line == 6,
           "a rule of a part: line %u", files.policy->rules[1].at.line);
    load_str(&again, files.policy->source);
    EXPECT(again.policy && memcmp(&again.policy->version, &whole.policy->version, 32) == 0,
           "the text that is stored loads without the files");
}

static void test_mistakes_in_files(void **state)
{
    AUTO(folder_done) struct folder folder = folder_new();
    AUTO(loading_done) struct loading wrong = {0}, twice = {0}, missing = {0};

    (void)state;
    write_to(&folder, "queues.yaml",
             "queues:\n  general: {members: ['role:reviewer'], bakup: leads}\n  leads: {members: "
             "['role:lead']}\n");
    load_file(&wrong, &folder);
    EXPECT(wrong.count == 1 && ends_with(wrong.findings[0].at.file, S("/queues.yaml")) &&
               wrong.findings[0].at.line == 2,
           "where it stands: %s", wrong.ctx.detail);
    EXPECT(strstr(wrong.ctx.detail, "/queues.yaml:2:41: there is no key \"bakup\""),
           "the detail: %s", wrong.ctx.detail);
    write_to(&folder, "queues.yaml", "actions: {a: {}}\n");
    load_file(&twice, &folder);
    EXPECT(twice.count == 1 && strstr(twice.ctx.detail, "/rules/b.yaml:4"),
           "the first place is named: %s", twice.ctx.detail);
    (void)remove(folder.file);
    write_to(&folder, "policy.yaml", "version: 1\ninclude: [none.yaml]\n");
    load_file(&missing, &folder);
    EXPECT(!missing.policy && missing.count == 0 &&
               strstr(missing.ctx.detail, "/none.yaml: No such"),
           "a file that is not there: %s", missing.ctx.detail);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_same_version),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_mistakes_in_files),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
