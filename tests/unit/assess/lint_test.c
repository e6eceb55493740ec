/* SPDX-License-Identifier: Apache-2.0
 *
 * Warnings about rules that can never change anything, and that nothing is said which is not
 * certain.
 */
#include "../policy/policy_check.h"

#include "assess/assess.h"

#define HEAD                                                                                       \
    "version: 1\nactions: {pay: {effects: [money]}, tag: {then: allow, effects: "                  \
    "[none]}}\nrules:\n"
#define BLOCKS "unknown_actions: block\n"

/* A rule on line 4 and one on line 5. */
#define R(id, when, rest) "  - {id: " id ", when: '" when "', " rest "}\n"

static void test_warnings(void **state)
{
    static const struct {
        const char *name, *yaml, *want;
    } rows[] = {
        {"false", HEAD R("a", "false && args.x > 1.0", "then: block"),
         "4:5: warning: the rule a never matches: its condition is false whatever is proposed"},
        {"false by arithmetic", HEAD R("a", "1 > 2 || \"x\" in []", "then: block"),
         "4:5: warning: the rule a never matches: its condition is false whatever is proposed"},
        {"maybe", HEAD R("a", "args.x > 1.0", "then: block"), ""},
        {"an error is no answer", HEAD R("a", "args.x == args.x", "then: block"), ""},
        {"a stricter one that always holds",
         HEAD R("a", "args.x > 1.0", "then: review") R("b", "true", "then: block"),
         "4:5: warning: the rule a never changes a verdict: b says block wherever it matches"},
        {"with obligations",
         HEAD R("a", "args.x > 1.0", "then: review, mode: read") R("b", "true", "then: block"), ""},
        {"a twin",
         HEAD R("a", "args.x > 1.0", "then: review") R("b", "args.x > 1.0", "then: review"),
         "5:5: warning: the rule b never changes a verdict: a says review wherever it matches"},
        {"a weaker one that always holds",
         HEAD R("a", "args.x > 1.0", "then: block") R("b", "true", "then: review"), ""},
        {"one without a verdict",
         HEAD R("a", "args.x > 1.0", "then: earn") R("b", "true", "mode: read"), ""},
        {"no action of the catalogue", BLOCKS HEAD R("a", "action.name == \"pya\"", "then: block"),
         "5:5: warning: the rule a never changes anything: no action of the catalogue meets its "
         "condition, and others are blocked anyway"},
        {"reviewed anyway",
         HEAD R("a", "\"legal\" in action.effects && args.x > 1.0", "then: review"),
         "4:5: warning: the rule a never changes anything: no action of the catalogue meets its "
         "condition, and others are reviewed anyway"},
        {"not reviewed anyway", HEAD R("a", "action.name == \"pya\"", "then: block"), ""},
        {"with an obligation for others",
         HEAD R("a", "action.name == \"pya\"", "then: review, mode: read"), ""},
        {"one of the catalogue",
         BLOCKS HEAD R("a", "action.name == \"pay\" && args.x > 1.0", "then: block"), ""},
        {"known recipients change",
         HEAD R("a", "unsourced({\"a\": \"b@x.org\"}, \"\")", "then: block"), ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        load_text(&l, rows[i].yaml);
        EXPECT(l.err == FM_OK, "%s: %s", rows[i].name, l.ctx.detail);
        EXPECT(assess_lint(&l.ctx, l.policy, l.findings, &l.count) == FM_OK, "%s", rows[i].name);
        EXPECT_STR(rows[i].name, findings_text(&l), str_of(rows[i].want));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_warnings)};

    crypto_init();
    return CHECK_RUN(tests);
}
