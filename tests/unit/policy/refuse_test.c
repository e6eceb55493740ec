/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that a policy may not say: each row is a file and all its findings, with their places.
 */
#include "policy_check.h"

#include "policy/policy_limits.h"

struct row {
    const char *name, *yaml, *want;
};

/* Loads the row and compares all findings. A row with nothing but warnings must load. */
static void expect_row(const struct row *row)
{
    AUTO(loading_done) struct loading l = {0};
    bool refused = false;

    load_text(&l, row->yaml);
    EXPECT_STR(row->name, findings_text(&l), str_of(row->want));
    for (size_t i = 0; i < l.count; i++) {
        refused = refused || !l.findings[i].warning;
    }
    EXPECT(l.err == (refused ? FM_E_INVALID_ARGUMENT : FM_OK), "%s: %s", row->name, l.ctx.detail);
}

#define EXPECT_ROWS(rows)                                                                          \
    for (size_t i = 0; i < COUNT_OF(rows); i++) {                                                  \
        expect_row(&(rows)[i]);                                                                    \
    }

/* The text and the YAML ------------------------------------------------------------------------ */

static void test_text(void **state)
{
    static const struct row rows[] = {
        {"nothing", "", "1:1: the file is empty: begin it with `version: 1`"},
        {"only a comment", "# nothing\n", "1:1: the file is empty: begin it with `version: 1`"},
        {"a list", "- a\n", "1:1: a policy is a map of keys: begin it with `version: 1`"},
        {"a word", "word\n", "1:1: a policy is a map of keys: begin it with `version: 1`"},
        {"not UTF-8", "version: 1\n# \xC3\xA9\xC3(\n", "2:4: the file is not UTF-8 from here on"},
        {"a surrogate in UTF-8", "# \xED\xA0\x80\n", "1:3: the file is not UTF-8 from here on"},
        {"UTF-16", "\xFF\xFEv\n", "1:1: the file is not UTF-8 from here on"},
        {"a control character", "version: 1\n#\x1B[2J\n",
         "2:2: U+001B is a control character: write it as an escape in double quotes, or remove "
         "it"},
        {"a lone carriage return hides the rest of a line", "version: 1 # x\ractions: {}\n",
         "1:15: U+000D is a control character: write it as an escape in double quotes, or remove "
         "it"},
        {"libyaml would break the line here", "version: 1 # x\xC2\x85unknown_actions: block\n",
         "1:15: U+0085 is a control character: write it as an escape in double quotes, or remove "
         "it"},
        {"and here", "version: 1\n# \xE2\x80\xA8unknown_actions: block\n",
         "2:3: U+2028 is a line separator that editors do not show: write it as an escape in "
         "double "
         "quotes, or remove it"},
        {"text that reads backwards", "version: 1\n# \xE2\x80\xAE\n",
         "2:3: U+202E is a character that reorders the text around it: write it as an escape in "
         "double quotes, or remove it"},
        {"a byte order mark inside", "version: 1\n\xEF\xBB\xBF\n",
         "2:1: U+FEFF is a byte order mark or no character: write it as an escape in double "
         "quotes, "
         "or remove it"},
        {"U+0000 as an escape", "version: 1\nactions: {a: {oversight: \"a\\0b\"}}\n",
         "2:26: U+0000 cannot be part of a text"},
        {"columns count characters",
         "version: 1\nactions: {a: {oversight: '\xC3\xA9', thn: allow}}\n",
         "2:31: there is no key \"thn\" here; did you mean \"then\"?"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

static void test_yaml(void **state)
{
    static const struct row rows[] = {
        {"no end", "version: 1\nactions: {a: {then: [allow}\n",
         "2:27: this is not YAML: did not find expected ',' or ']'"},
        {"no end, lines later", "version: 1\nactions: {\n\n",
         "4:1: this is not YAML: did not find expected node content"},
        {"two values", "version: 1\nactions: a: b\n",
         "2:11: this is not YAML: mapping values are not allowed in this context"},
        {"a tab indents", "version: 1\nactions:\n\ta: {}\n",
         "3:1: a tab cannot indent: use spaces"},
        {"wrong indentation", "version: 1\nactions:\n  a: {}\n b: {}\n",
         "4:2: this is not YAML: did not find expected key, while parsing a block mapping that "
         "began "
         "at line 1"},
        {"an anchor", "version: 1\nactions: {a: &x {then: allow}}\n",
         "2:14: anchors (&) are refused: write every value where it counts"},
        {"an anchor on a key", "version: 1\n&x actions: {}\n",
         "2:1: anchors (&) are refused: write every value where it counts"},
        {"an anchor and its alias", "version: 1\nactions:\n  a: &x {then: allow}\n  b: *x\n",
         "3:6: anchors (&) are refused: write every value where it counts\n"
         "4:6: aliases (*) are refused: write every value where it counts"},
        {"an alias without an anchor", "version: 1\nreasons: [*nowhere]\n",
         "2:11: aliases (*) are refused: write every value where it counts"},
        {"a merge", "version: 1\nactions: {a: {<<: {then: allow}}}\n",
         "2:15: merge keys (<<) are refused: write the keys out"},
        {"a tag", "version: 1\nactions: {a: {then: !!str allow}}\n",
         "2:21: tags (!) are refused: the key says what its value is"},
        {"a lone tag", "version: 1\nactions: {a: {reversible: ! true}}\n",
         "2:27: tags (!) are refused: the key says what its value is"},
        {"a tag directive", "%TAG ! tag:example.org,2026:\n---\nversion: 1\n",
         "1:1: tag directives (%TAG) are refused"},
        {"a key twice", "version: 1\nactions:\n  a: {then: allow}\n  b:\n  a: {then: block}\n",
         "5:3: the key \"a\" stands here a second time, after line 3"},
        {"a key three times, once in quotes",
         "version: 1\nreasons: []\n'reasons': []\nreasons: []\n",
         "3:1: the key \"reasons\" stands here a second time, after line 2\n"
         "4:1: the key \"reasons\" stands here a second time, after line 3"},
        {"a list as a key", "version: 1\n[a]: b\n", "2:1: a key is one word, followed by a colon"},
        {"a map as a key", "version: 1\n? {a: b}\n: c\n",
         "2:3: a key is one word, followed by a colon"},
        {"a key that is nothing", "version: 1\n~: c\n",
         "2:1: a key is one word, followed by a colon"},
        {"a second document", "version: 1\n---\nversion: 1\n",
         "3:1: another document begins here: a policy is one document, and one more for each file "
         "under `include`"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

/* Keys ----------------------------------------------------------------------------------------- */

static void test_keys(void **state)
{
    static const struct row rows[] = {
        {"no version", "actions: {}\n",
         "1:1: the key \"version\" is missing: begin the file with `version: 1`"},
        {"no version, and more", "action: {}\n",
         "1:1: the key \"version\" is missing: begin the file with `version: 1`\n"
         "1:1: there is no key \"action\" here; did you mean \"actions\"?"},
        {"another version is not judged further", "version: 2\nwhatever: 3\n",
         "1:10: this program reads version 1 of the policy: write `version: 1`"},
        {"a version in quotes", "version: '1'\n",
         "1:10: this program reads version 1 of the policy: write `version: 1`"},
        {"version 1.0", "version: 1.0\n",
         "1:10: this program reads version 1 of the policy: write `version: 1`"},
        {"a slip", "version: 1\nqueus: {}\n",
         "2:1: there is no key \"queus\" here; did you mean \"queues\"?"},
        {"letters swapped", "version: 1\nlimist: {}\n",
         "2:1: there is no key \"limist\" here; did you mean \"limits\"?"},
        {"nothing like it", "version: 1\nfrobnicate: {}\n",
         "2:1: there is no key \"frobnicate\" here"},
        {"a capital", "version: 1\nReasons: []\n",
         "2:1: there is no key \"Reasons\" here; did you mean \"reasons\"?"},
        {"a slip to a key of a later version", "version: 1\nrule: []\n",
         "2:1: there is no key \"rule\" here; did you mean \"rules\"?"},
        {"a key in the wrong place", "version: 1\nundo: 5s\n",
         "2:1: there is no key \"undo\" here"},
        {"a key that prints", "version: 1\n\"a\\e[2J\\u202Eb\\n\": 1\n",
         "2:1: there is no key \"a?[2J?b?\" here"},
        {"in defaults", "version: 1\ndefaults: {respond_witin: 1h}\n",
         "2:12: there is no key \"respond_witin\" here; did you mean \"respond_within\"?"},
        {"in an action", "version: 1\nactions:\n  a:\n    efects: [money]\n",
         "4:5: there is no key \"efects\" here; did you mean \"effects\"?"},
        {"in a brief", "version: 1\nactions: {a: {brief: {requires: []}}}\n",
         "2:23: there is no key \"requires\" here; did you mean \"require\"?"},
        {"in a card", "version: 1\nactions: {a: {card: {titel: x}}}\n",
         "2:22: there is no key \"titel\" here; did you mean \"title\"?"},
        {"in a queue", "version: 1\nqueues: {general: {members: [ana], backups: x}}\n",
         "2:36: there is no key \"backups\" here; did you mean \"backup\"?"},
        {"in limits", "version: 1\nlimits: {pending: 5}\n",
         "2:10: there is no key \"pending\" here"},
        {"defaults are a map", "version: 1\ndefaults: [a]\n",
         "2:11: defaults wants a map of keys and values"},
        {"actions are a map", "version: 1\nactions: [a]\n",
         "2:10: actions wants a map of keys and values"},
        {"an action is a map", "version: 1\nactions: {a: allow}\n",
         "2:14: an action wants a map of keys and values"},
        {"a queue is a map", "version: 1\nqueues: {general: [ana]}\n",
         "2:19: a queue wants a map of keys and values"},
        {"a brief is a map", "version: 1\nactions: {a: {brief: [reasoning]}}\n",
         "2:22: brief wants a map of keys and values"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

static void test_later(void **state)
{
    static const struct row rows[] = {
        {"require in a rule",
         "version: 1\nrules: [{id: a, when: 'true', then: review, require: {people: 2}}]\n",
         "2:45: this version does not know \"require\" yet"},
        {"escalate in a rule",
         "version: 1\nrules: [{id: a, when: 'true', then: review, escalate: []}]\n",
         "2:45: this version does not know \"escalate\" yet"},
        {"schedules", "version: 1\nschedules: {a: {}}\n",
         "2:1: this version does not know \"schedules\" yet"},
        {"novelty", "version: 1\nnovelty: {false_alarm_rate: 0.01}\n",
         "2:1: this version does not know \"novelty\" yet: leave it out, or write `novelty: off`"},
        {"autonomy", "version: 1\nautonomy: {per: agent}\n",
         "2:1: this version does not know \"autonomy\" yet: leave it out, or write `autonomy: "
         "off`"},
        {"autonomy by nothing", "version: 1\nautonomy:\n",
         "2:1: this version does not know \"autonomy\" yet: leave it out, or write `autonomy: "
         "off`"},
        {"confidence", "version: 1\nconfidence: {review_below: 0.6}\n",
         "2:1: this version does not know \"confidence\" yet: leave it out, or write "
         "`confidence: off`"},
        {"hours", "version: 1\nqueues: {general: {members: [ana], hours: {tz: UTC}}}\n",
         "2:36: this version does not know \"hours\" yet"},
        {"decide_first", "version: 1\ndefaults: {mode: decide_first}\n",
         "2:18: this version does not know \"decide_first\" yet"},
        {"chat", "version: 1\ndefaults: {decide_by: [page, chat]}\n",
         "2:30: this version does not know \"chat\" yet"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

/* Values --------------------------------------------------------------------------------------- */

static void test_choices(void **state)
{
    static const struct row rows[] = {
        {"then", "version: 1\ndefaults: {then: revew}\n",
         "2:18: \"revew\" is not a value of then (allow, earn, review, block); did you mean "
         "\"review\"?"},
        {"then: off is no verdict", "version: 1\nactions: {a: {then: off}}\n",
         "2:21: \"off\" is not a value of then (allow, earn, review, block)"},
        {"then without a value", "version: 1\nactions:\n  a:\n    then:\n",
         "4:10: then wants one word, not nothing"},
        {"then as a list", "version: 1\nactions: {a: {then: [allow]}}\n",
         "2:21: then wants one word, not a list"},
        {"then as a map", "version: 1\nactions: {a: {then: {allow: 1}}}\n",
         "2:21: then wants one word, not a map"},
        {"silence never approves", "version: 1\ndefaults: {on_expiry: approve}\n",
         "2:23: \"approve\" does not exist here: silence never approves; use expire or keep"},
        {"unknown actions: allow", "version: 1\nunknown_actions: allow\n",
         "2:18: an action that is not in the catalogue is never allowed: use review or block"},
        {"unknown actions: earn", "version: 1\nunknown_actions: earn\n",
         "2:18: an action that is not in the catalogue cannot earn autonomy: use review or block"},
        {"mode", "version: 1\ndefaults: {mode: glances}\n",
         "2:18: \"glances\" is not a value of mode (glance, read); did you mean \"glance\"?"},
        {"effects are a list", "version: 1\nactions: {a: {effects: money}}\n",
         "2:24: effects wants a list, such as [one, two]"},
        {"none is alone", "version: 1\nactions: {a: {effects: [none, money]}}\n",
         "2:24: \"none\" cannot stand beside other effects"},
        {"an effect", "version: 1\nactions: {a: {effects: [money, massage]}}\n",
         "2:32: \"massage\" is not a value of effects (none, read, record, account, money, "
         "message, "
         "publish, legal, auth, fetch, handoff); did you mean \"message\"?"},
        {"an effect twice is a warning", "version: 1\nactions: {a: {effects: [money, money]}}\n",
         "2:32: warning: \"money\" stands twice in effects"},
        {"nobody may decide", "version: 1\ndefaults: {decide_by: []}\n",
         "2:23: decide_by needs at least one of page, token"},
        {"an item that is a list", "version: 1\ndefaults: {decide_by: [[page]]}\n",
         "2:24: decide_by wants one word, not a list"},
        {"a part of the brief", "version: 1\nactions: {a: {brief: {require: [case]}}}\n",
         "2:33: \"case\" is not a value of require (summary, request, recommendation, reasoning, "
         "case_against, confidence, evidence, options, draft)"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

static void test_numbers(void **state)
{
    static const struct row rows[] = {
        {"no is no truth value", "version: 1\nactions: {a: {reversible: no}}\n",
         "2:27: reversible wants true or false, without quotes"},
        {"True neither", "version: 1\nactions: {a: {reversible: True}}\n",
         "2:27: reversible wants true or false, without quotes"},
        {"nor one in quotes", "version: 1\nactions: {a: {reversible: 'true'}}\n",
         "2:27: reversible wants true or false, without quotes"},
        {"zero proposals", "version: 1\nlimits: {proposals_per_minute: 0}\n",
         "2:32: proposals_per_minute wants a whole number from 1 to 1000000000"},
        {"too many", "version: 1\nlimits: {pending_per_agent: 1000000001}\n",
         "2:29: pending_per_agent wants a whole number from 1 to 1000000000"},
        {"beyond 64 bits", "version: 1\nlimits: {pending_per_agent: 99999999999999999999}\n",
         "2:29: pending_per_agent wants a whole number from 1 to 1000000000"},
        {"negative", "version: 1\nactions: {a: {brief: {evidence_min: -1}}}\n",
         "2:37: evidence_min wants a whole number from 0 to 50"},
        {"more evidence than a brief can hold",
         "version: 1\nactions: {a: {brief: {evidence_min: 51}}}\n",
         "2:37: evidence_min wants a whole number from 0 to 50"},
        {"octal to some", "version: 1\nactions: {a: {brief: {evidence_min: 010}}}\n",
         "2:37: evidence_min wants a whole number from 0 to 50"},
        {"hexadecimal", "version: 1\nactions: {a: {brief: {evidence_min: 0x1}}}\n",
         "2:37: evidence_min wants a whole number from 0 to 50"},
        {"a fraction", "version: 1\nactions: {a: {brief: {evidence_min: 1.0}}}\n",
         "2:37: evidence_min wants a whole number from 0 to 50"},
        {"a number in quotes", "version: 1\nactions: {a: {brief: {evidence_min: '1'}}}\n",
         "2:37: evidence_min wants a whole number from 0 to 50"},
        {"a duration without a unit", "version: 1\ndefaults: {undo: 15}\n",
         "2:18: \"15\" is not a duration: digits and one of s, m, h, d, w, at most 3650d, such as "
         "15m"},
        {"a duration with two units", "version: 1\ndefaults: {undo: 1h30m}\n",
         "2:18: \"1h30m\" is not a duration: digits and one of s, m, h, d, w, at most 3650d, such "
         "as "
         "15m"},
        {"a duration of ages", "version: 1\ndefaults: {respond_within: 3651d}\n",
         "2:28: \"3651d\" is not a duration: digits and one of s, m, h, d, w, at most 3650d, such "
         "as "
         "15m"},
        {"expired before it was seen", "version: 1\ndefaults: {respond_within: 0s}\n",
         "2:28: respond_within must be at least 1s"},
        {"an approval for no time", "version: 1\ndefaults: {valid_for: 0m}\n",
         "2:23: valid_for must be at least 1s"},
        {"an outcome within no time", "version: 1\ndefaults: {outcome_within: 0s}\n",
         "2:28: outcome_within must be at least 1s"},
        {"lapsed before its release", "version: 1\ndefaults: {undo: 1h, valid_for: 60m}\n",
         "2:18: undo must be shorter than valid_for: an approval would lapse before it is "
         "released"},
        {"the same with the silent valid_for", "version: 1\ndefaults: {undo: 24h}\n",
         "2:18: undo must be shorter than valid_for: an approval would lapse before it is "
         "released"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

static void test_names(void **state)
{
    static const struct row rows[] = {
        {"an action with a capital", "version: 1\nactions: {Refund: {}}\n",
         "2:11: \"Refund\" cannot name an action: 1 to 128 characters of a-z 0-9 . _ / -"},
        {"an action with a space", "version: 1\nactions:\n  refund issue: {}\n",
         "3:3: \"refund issue\" cannot name an action: 1 to 128 characters of a-z 0-9 . _ / -"},
        {"an action without a name", "version: 1\nactions: {'': {}}\n",
         "2:11: \"\" cannot name an action: 1 to 128 characters of a-z 0-9 . _ / -"},
        {"a queue with a space",
         "version: 1\nqueues: {general: {members: [ana]}, 'a b': {members: [b]}}\n",
         "2:37: \"a b\" cannot name a queue: 1 to 64 characters of a-z 0-9 . _ / -"},
        {"a domain", "version: 1\nactions: {a: {domain: Billing}}\n",
         "2:23: \"Billing\" is not a name: 1 to 64 characters of a-z 0-9 . _ / -"},
        {"an executor", "version: 1\nactions: {a: {executor: 'pay ments'}}\n",
         "2:25: \"pay ments\" is not a name: 1 to 64 bytes of letters, digits and . _ - @"},
        {"a reason", "version: 1\nreasons: [tone, 'Wrong amount']\n",
         "2:17: \"Wrong amount\" is not a name: 1 to 64 characters of a-z 0-9 . _ / -"},
        {"a role", "version: 1\nqueues: {general: {members: [ana, role:reviewr]}}\n",
         "2:35: there is no role \"reviewr\"; did you mean \"reviewer\"?"},
        {"a member", "version: 1\nqueues: {general: {members: ['group:x']}}\n",
         "2:30: \"group:x\" is not a name: 1 to 64 bytes of letters, digits and . _ - @"},
        {"members are a list", "version: 1\nqueues: {general: {members: ana}}\n",
         "2:29: members wants a list, such as [one, two]"},
        {"an empty oversight", "version: 1\nactions: {a: {oversight: ''}}\n",
         "2:26: oversight wants 1 to 2000 characters"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

#define HOLES                                                                                      \
    "2:29: every { of a title begins a hole such as {amount}, the name of an argument, and ends "  \
    "with }"
#define TITLE(text)    "version: 1\nactions: {a: {card: {title: '" text "'}}}\n"
#define CRITICAL(text) "version: 1\nactions: {a: {card: {critical: ['" text "']}}}\n"

static void test_cards(void **state)
{
    static const struct row rows[] = {
        {"a hole that does not end", TITLE("Refund {amount"), HOLES},
        {"a hole that does not begin", TITLE("Refund amount}"), HOLES},
        {"a hole without a name", TITLE("Refund {}"), HOLES},
        {"a hole in a hole", TITLE("Refund {a{b}}"), HOLES},
        {"the second hole", TITLE("{a} {"), HOLES},
        {"an empty title", TITLE(""), "2:29: title wants 1 to 200 characters"},
        {"a pointer without a slash", CRITICAL("amount"),
         "2:33: \"amount\" is not a JSON pointer (RFC 6901), such as /amount"},
        {"a wrong escape", CRITICAL("/a~2"),
         "2:33: \"/a~2\" is not a JSON pointer (RFC 6901), such as /amount"},
        {"an escape without an end", CRITICAL("/a~"),
         "2:33: \"/a~\" is not a JSON pointer (RFC 6901), such as /amount"},
        {"a pointer as a fragment", CRITICAL("#/a"),
         "2:33: \"#/a\" is not a JSON pointer (RFC 6901), such as /amount"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

/* The whole ------------------------------------------------------------------------------------ */

static void test_queues(void **state)
{
    static const struct row rows[] = {
        {"an action's queue", "version: 1\nactions: {a: {queue: leeds}}\n",
         "2:22: there is no queue \"leeds\"; did you mean \"leads\"?"},
        {"the default queue", "version: 1\ndefaults: {queue: billing}\n",
         "2:19: there is no queue \"billing\""},
        {"the silent default queue", "version: 1\nqueues: {billing: {members: [ana]}}\n",
         "2:1: there is no queue \"general\", where reviews go: add it, or set `queue` in "
         "`defaults`"},
        {"a backup", "version: 1\nqueues:\n  general: {members: [ana], backup: leads}\n",
         "3:37: there is no queue \"leads\""},
        {"its own backup", "version: 1\nqueues:\n  general: {members: [ana], backup: general}\n",
         "3:37: the backups go round in a circle: \"general\" leads back to \"general\""},
        {"a circle of three, entered from outside",
         "version: 1\nqueues:\n  general: {members: [x], backup: c}\n  a: {members: [x], backup: "
         "b}\n"
         "  b: {members: [x], backup: c}\n  c: {members: [x], backup: a}\n",
         "6:29: the backups go round in a circle: \"c\" leads back to \"a\""},
        {"two circles",
         "version: 1\nqueues:\n  general: {members: [x], backup: general}\n"
         "  a: {members: [x], backup: a}\n",
         "3:35: the backups go round in a circle: \"general\" leads back to \"general\"\n"
         "4:29: the backups go round in a circle: \"a\" leads back to \"a\""},
        {"a circle among queues that come twice",
         "version: 1\nqueues:\n  general: {members: [x]}\n  general: {members: [x], backup: a}\n"
         "  a: {members: [x]}\n  a: {members: [x], backup: a}\n",
         "4:3: the key \"general\" stands here a second time, after line 3\n"
         "6:3: the key \"a\" stands here a second time, after line 5"},
        {"a circle in a section that comes twice",
         "version: 1\nqueues: {general: {members: [x], backup: general}}\nqueues: {a: {}}\n",
         "2:42: the backups go round in a circle: \"general\" leads back to \"general\"\n"
         "3:1: the key \"queues\" stands here a second time, after line 2"},
        {"times in a section that comes twice",
         "version: 1\ndefaults: {undo: 25h}\ndefaults: {then: allow}\n",
         "2:18: undo must be shorter than valid_for: an approval would lapse before it is "
         "released\n"
         "3:1: the key \"defaults\" stands here a second time, after line 2"},
        {"a queue whose key was refused",
         "version: 1\nqueues: {*x : {}, general: {members: [x]}}\n",
         "2:10: aliases (*) are refused: write every value where it counts"},
        {"a queue whose value was refused",
         "version: 1\nqueues: {leads: *x, general: {members: [x], backup: leads}}\n",
         "2:17: aliases (*) are refused: write every value where it counts"},
        {"nobody is a warning", "version: 1\nqueues: {general: {}}\n",
         "2:10: warning: nobody can decide in the queue \"general\": its members are neither "
         "people "
         "nor role:reviewer nor role:lead"},
        {"auditors decide nothing", "version: 1\nqueues: {general: {members: [role:auditor]}}\n",
         "2:10: warning: nobody can decide in the queue \"general\": its members are neither "
         "people "
         "nor role:reviewer nor role:lead"},
    };

    (void)state;
    EXPECT_ROWS(rows)
}

static void test_all_at_once(void **state)
{
    AUTO(loading_done) struct loading l = {0};

    (void)state;
    load_text(&l, "version: 1\n"
                  "queues: {general: {}}\n"
                  "rules: [x]\n"
                  "defaults: {queue: x, then: maybe}\n");
    EXPECT_STR(
        "sorted by place", findings_text(&l),
        S("2:10: warning: nobody can decide in the queue \"general\": its members are neither "
          "people nor role:reviewer nor role:lead\n"
          "3:9: rules wants a map of keys and values\n"
          "4:19: there is no queue \"x\"\n"
          "4:28: \"maybe\" is not a value of then (allow, earn, review, block)"));
    EXPECT_STR("the first error is the detail", str_of(l.ctx.detail),
               S("policy.yaml:3:9: rules wants a map of keys and values"));
}

/* Limits --------------------------------------------------------------------------------------- */

/* `head`, then `count` times `piece` with the number put into its %zu, then `tail`. */
static void load_many(struct loading *l, const char *head, const char *piece, size_t count,
                      const char *tail)
{
    AUTO(buf_done) struct buf out = BUF_INIT(2 * POLICY_BYTES_MAX);
    struct str before = str_of(piece), after = str_of(piece);

    before.n = str_find(before, '%');
    after = str_skip(after, before.n + 1);
    buf_add(&out, str_of(head));
    for (size_t i = 0; i < count; i++) {
        buf_add(&out, before);
        buf_add_u64(&out, i);
        buf_add(&out, after);
    }
    buf_add(&out, str_of(tail));
    load_str(l, buf_str(&out));
}

static void test_limits(void **state)
{
    static const struct {
        const char *name, *head, *piece;
        size_t count;
        const char *tail, *want; /* "": accepted */
    } rows[] = {
        {"actions", "version: 1\nactions:\n", "  a%: {then: allow}\n", POLICY_ACTIONS_MAX, "", ""},
        {"one action more", "version: 1\nactions:\n", "  a%: {}\n", POLICY_ACTIONS_MAX + 1, "",
         "2:1: more than 10000 actions"},
        {"queues", "version: 1\nqueues:\n  general: {members: [a]}\n",
         "  q%: {members: [a], backup: general}\n", POLICY_QUEUES_MAX - 1, "", ""},
        {"one queue more", "version: 1\nqueues:\n  general: {members: [a]}\n",
         "  q%: {members: [a]}\n", POLICY_QUEUES_MAX, "", "2:1: more than 1000 queues"},
        {"members", "version: 1\nqueues: {general: {members: [", "a%, ", POLICY_MEMBERS_MAX,
         "]}}\n", ""},
        {"one member more", "version: 1\nqueues: {general: {members: [", "a%, ",
         POLICY_MEMBERS_MAX + 1, "]}}\n", "2:29: members has more than 1000 items"},
        {"reasons", "version: 1\nreasons: [", "a%, ", POLICY_REASONS_MAX, "]\n", ""},
        {"one reason more", "version: 1\nreasons: [", "a%, ", POLICY_REASONS_MAX + 1, "]\n",
         "2:10: reasons has more than 100 items"},
        {"pointers", "version: 1\nactions: {a: {card: {critical: [", "/%, ", POLICY_CRITICAL_MAX,
         "]}}}\n", ""},
        {"one pointer more", "version: 1\nactions: {a: {card: {critical: [", "/%, ",
         POLICY_CRITICAL_MAX + 1, "]}}}\n", "2:32: critical has more than 64 items"},
        {"values", "version: 1\nreasons: [", "%,", POLICY_NODES_MAX, "]\n",
         "2:2688866: more than 400000 keys and values"},
        {"bytes", "version: 1\n# ", "0123456789abcdef%", POLICY_BYTES_MAX / 16, "\n",
         "1:1: the file is larger than 4 MiB"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0};
        load_many(&l, rows[i].head, rows[i].piece, rows[i].count, rows[i].tail);
        EXPECT_STR(rows[i].name, findings_text(&l), str_of(rows[i].want));
        EXPECT(l.err == (rows[i].want[0] ? FM_E_INVALID_ARGUMENT : FM_OK), "%s", rows[i].name);
    }
}

/* `head`, `count` times `piece`, `tail`. */
static void load_repeated(struct loading *l, const char *head, const char *piece, size_t count,
                          const char *tail)
{
    AUTO(buf_done) struct buf out = BUF_INIT(2 * POLICY_BYTES_MAX);

    buf_add(&out, str_of(head));
    for (size_t i = 0; i < count; i++) {
        buf_add(&out, str_of(piece));
    }
    buf_add(&out, str_of(tail));
    load_str(l, buf_str(&out));
}

static void test_lengths(void **state)
{
    static const struct {
        const char *name, *head, *piece;
        size_t fits;
        const char *tail, *want; /* the beginning of the finding when there is one piece more */
    } rows[] = {
        {"an action's name", "version: 1\nactions: {? ", "a", POLICY_ACTION_NAME_MAX, " : {}}\n",
         "2:13: "},
        {"a queue's name", "version: 1\nactions: {a: {domain: ", "a", POLICY_WORD_MAX, "}}\n",
         "2:23: "},
        {"a person's name", "version: 1\nactions: {a: {executor: ", "a", POLICY_WORD_MAX, "}}\n",
         "2:25: "},
        {"a title", "version: 1\nactions: {a: {card: {title: '", "\xC3\xA9",
         POLICY_TITLE_CHARACTERS_MAX, "'}}}\n", "2:29: title wants 1 to 200"},
        {"an oversight", "version: 1\nactions: {a: {oversight: '", "\xC3\xA9",
         POLICY_OVERSIGHT_CHARACTERS_MAX, "'}}\n", "2:26: oversight wants 1 to 2000"},
        {"a hole", "version: 1\nactions: {a: {card: {title: '{", "a", POLICY_HOLE_MAX, "}'}}}\n",
         "2:29: every {"},
        {"a pointer", "version: 1\nactions: {a: {card: {critical: ['/", "a", POLICY_POINTER_MAX - 1,
         "']}}}\n", "2:33: "},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        AUTO(loading_done) struct loading l = {0}, more = {0};
        load_repeated(&l, rows[i].head, rows[i].piece, rows[i].fits, rows[i].tail);
        EXPECT(l.err == FM_OK, "%s: %s", rows[i].name, l.ctx.detail);
        load_repeated(&more, rows[i].head, rows[i].piece, rows[i].fits + 1, rows[i].tail);
        EXPECT(more.count == 1 && str_starts(findings_text(&more), str_of(rows[i].want)),
               "%s: %.*s", rows[i].name, STR_ARG(findings_text(&more)));
    }
}

static void test_depth(void **state)
{
    AUTO(loading_done) struct loading fits = {0}, more = {0}, most = {0};

    (void)state;
    /* The root map is the first level, the innermost list the last but one: `x` is the last. */
    load_repeated(&fits, "version: 1\nrules: ", "[", POLICY_DEPTH_MAX - 2, "x");
    EXPECT(str_find(findings_text(&fits), 'Y') < findings_text(&fits).n,
           "not closed, not too deep");
    load_repeated(&more, "version: 1\nrules: ", "[", POLICY_DEPTH_MAX - 1, "x");
    EXPECT_STR("one deeper", findings_text(&more), S("2:39: nested deeper than 32 levels"));
    load_repeated(&most, "version: 1\nrules: ", "[", 4000000, "");
    EXPECT_STR("much deeper", findings_text(&most), S("2:39: nested deeper than 32 levels"));
}

static void test_many_findings(void **state)
{
    AUTO(loading_done) struct loading errors = {0}, both = {0};

    (void)state;
    load_many(&errors, "version: 1\nactions:\n", "  a%: {thn: allow}\n", POLICY_ACTIONS_MAX, "");
    EXPECT(errors.count == POLICY_FINDINGS_MAX && errors.err == FM_E_INVALID_ARGUMENT, "%zu errors",
           errors.count);
    load_many(&both, "version: 1\nqueues:\n  general: {members: [a], backup: nowhere}\n",
              "  q%: {members: []}\n", 500, "");
    EXPECT(both.count == POLICY_FINDINGS_MAX && both.err == FM_E_INVALID_ARGUMENT,
           "an error is never lost among %zu warnings", both.count);
    EXPECT_STR("the error", str_of(both.ctx.detail),
               S("policy.yaml:3:35: there is no queue \"nowhere\""));
}

/* The work for one bad file stays small: suggestions stop when nobody would see them. */
static void test_many_slips(void **state)
{
    AUTO(loading_done) struct loading l = {0};
    AUTO(buf_done) struct buf out = BUF_INIT(POLICY_BYTES_MAX);

    (void)state;
    buf_lit(&out, "version: 1\nqueues:\n  general: {members: [a]}\n");
    for (size_t i = 0; i < POLICY_QUEUES_MAX - 1; i++) {
        buf_printf(&out, "  aaaaaaaaaaaaaaaaaaaaaaaaaa%04zu: {members: [a]}\n", i);
    }
    buf_lit(&out, "actions:\n");
    for (size_t i = 0; i < POLICY_ACTIONS_MAX; i++) {
        buf_printf(&out, "  a%zu: {queue: aaaaaaaaaaaaaaaaaaaaaaaaab%04zu}\n", i, i % 1000);
    }
    load_str(&l, buf_str(&out));
    EXPECT(l.count == POLICY_FINDINGS_MAX, "%zu", l.count);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),       cmocka_unit_test(test_yaml),
        cmocka_unit_test(test_keys),       cmocka_unit_test(test_later),
        cmocka_unit_test(test_choices),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_cards),
        cmocka_unit_test(test_queues),     cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_limits),     cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_depth),      cmocka_unit_test(test_many_findings),
        cmocka_unit_test(test_many_slips),
    };

    crypto_init();
    return CHECK_RUN(tests);
}
