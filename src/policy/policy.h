/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy: where the line between people and machine runs. One YAML file, versioned as a whole,
 * loaded all or nothing with file:line:column in every refusal. A loaded policy never changes; it is
 * shared by counting references.
 */
#ifndef FM_POLICY_H
#define FM_POLICY_H

#include "base/clock.h"
#include "cel/cel.h"
#include "crypto/crypto.h"
#include "json/json.h"
#include "json/json_schema.h"

/* Ordered: the strictest wins (invariant 7). */
enum verdict { VERDICT_ALLOW, VERDICT_EARN, VERDICT_REVIEW, VERDICT_BLOCK };
const char *verdict_name(enum verdict verdict);

#define EFFECTS(X)                                                                                 \
    X(NONE, "none") X(READ, "read") X(RECORD, "record") X(ACCOUNT, "account") X(MONEY, "money")    \
    X(MESSAGE, "message") X(PUBLISH, "publish") X(LEGAL, "legal") X(AUTH, "auth")                  \
    X(FETCH, "fetch") X(HANDOFF, "handoff")

enum effect {
#define X(name, text) EFFECT_##name,
    EFFECTS(X)
#undef X
    EFFECT_COUNT
};
/* As written in the file, "money". */
const char *effect_name(enum effect effect);

/* What a brief can be required to hold. */
#define BRIEF_PARTS(X)                                                                             \
    X(SUMMARY, "summary") X(REQUEST, "request") X(RECOMMENDATION, "recommendation")                \
    X(REASONING, "reasoning") X(CASE_AGAINST, "case_against") X(CONFIDENCE, "confidence")          \
    X(EVIDENCE, "evidence") X(OPTIONS, "options") X(DRAFT, "draft")

enum brief_part {
#define X(name, text) BRIEF_##name,
    BRIEF_PARTS(X)
#undef X
    BRIEF_PART_COUNT
};
/* As written in the file, "case_against". */
const char *brief_part_name(enum brief_part part);

enum review_mode { MODE_GLANCE, MODE_READ, MODE_DECIDE_FIRST };
/* As written in the file, "glance". */
const char *review_mode_name(enum review_mode mode);
enum on_expiry { ON_EXPIRY_EXPIRE, ON_EXPIRY_KEEP };
enum decide_via { VIA_PAGE = 1, VIA_TOKEN = 2, VIA_CHAT = 4 }; /* a set */

struct policy_list {
    const struct str *items;
    size_t count;
};

struct policy_action;

/* An expression of the file, compiled. `program` takes any arguments; for an action with a schema
 * there may be one that was checked against it. */
struct policy_typed {
    const struct policy_action *action;
    struct cel_program *program; /* NULL: whatever the arguments, it is false for this action */
};
struct policy_expr {
    struct str text; /* absent: there is none */
    struct cel_program *program;
    const struct policy_typed *typed; /* sorted by address of the action */
    size_t typed_count;
    unsigned uses; /* set of POLICY_USES_* */
};
enum {
    POLICY_USES_HISTORY = 1,   /* counts that only the committer knows */
    POLICY_USES_DOMAINS = 2,   /* those of the session so far: likewise */
    POLICY_USES_RECIPIENTS = 4 /* whom people have approved before */
};
#define POLICY_USES_COUNTS (POLICY_USES_HISTORY | POLICY_USES_DOMAINS)

struct policy_action {
    struct str name;
    enum verdict then;
    bool has_then;              /* else defaults.then */
    unsigned effects;           /* bit set of 1u << enum effect */
    struct str domain;          /* absent: none */
    struct str executor;        /* agent's name; absent: the proposing agent */
    enum json_bool reversible;
    struct str queue;           /* absent: defaults.queue */
    unsigned brief_required;    /* bit set of 1u << enum brief_part */
    int64_t evidence_min;
    struct str card_title;      /* "Refund {amount} {currency} for order {order_id}"; absent: the name */
    struct policy_list critical; /* RFC 6901 pointers into the arguments, shown first */
    struct str oversight;       /* absent: none */
    struct json_schema *schema; /* of the arguments; NULL: any object. Formats are checked */
    struct policy_expr category; /* no text: the name */
};

/* Where something stands, from 1. */
struct policy_place {
    struct str file; /* a file that is included; absent: the file itself, or there is none */
    unsigned line, column;
};

/* The file that it stands in; `otherwise` where that is the file itself. */
static inline struct str policy_file_of(struct policy_place at, struct str otherwise)
{
    return at.file.p ? at.file : otherwise;
}

/* A condition with a consequence. What it does not say leaves the obligations as they are. */
struct policy_rule {
    struct str id;
    struct policy_place at;
    struct policy_expr when;
    enum verdict then;
    bool has_then;             /* else it only adds obligations */
    struct str because;        /* absent: the condition speaks for itself */
    struct str queue;          /* absent: none */
    enum review_mode mode;     /* MODE_GLANCE asks for nothing */
    int64_t respond_within_us; /* 0: none */
    int64_t undo_us;           /* 0 asks for nothing */
    enum on_expiry on_expiry;  /* ON_EXPIRY_KEEP asks for nothing */
};

/* What an agent, or whoever it is counted for, may use up within a time. */
enum budget_per { PER_AGENT, PER_CATEGORY, PER_SUBJECT, PER_ACTION, PER_ALL };
/* As written in the file, "agent". */
const char *budget_per_name(enum budget_per per);

struct policy_budget {
    struct str id;
    struct policy_expr when, sum; /* no `when`: always; no `sum`: proposals are counted */
    bool counts;
    enum budget_per per;
    int64_t window_us;
    int64_t limit_micros; /* millionths: decimal, never a double */
    enum verdict then;    /* VERDICT_REVIEW or VERDICT_BLOCK */
    struct str because;   /* absent: none */
};

/* An agent that the file speaks of. */
struct policy_agent {
    struct str name;
    struct policy_list domains; /* sorted */
};

struct lexicon; /* lexicon.c */
struct policy_lexicon {
    struct str name;
    struct policy_list words;
    const struct lexicon *matcher;
};

struct policy_queue {
    struct str name;
    struct policy_list people;  /* by name, sorted */
    unsigned roles;             /* bit set of 1u << enum role (people.h's order: role_of_name) */
    struct str backup;          /* queue; absent: none */
};

/* An example of the file: what becomes of one proposal. It assumes nothing that stands in no file:
 * the clock shows `at_us`, nobody proposed anything before but what `used` and `history` say. */
struct policy_test {
    struct str name;
    struct policy_place at;
    const struct json *given; /* members of a proposal's request, and the ones below */
    struct str action, agent, owner;
    int64_t at_us;
    const struct json *used;    /* budget's id -> what is used up already; NULL: nothing */
    const struct json *history; /* {"agent": {"count_1h": 3}, ...}; NULL: all zero */
    struct policy_list known;   /* recipients that people approved before; normalised */
    struct policy_want {
        bool has_verdict, has_mode;
        enum verdict verdict;
        struct policy_list rules;   /* ids of rules or budgets that must be among the reasons */
        struct str queue, category; /* absent: any */
        enum review_mode mode;
        int64_t respond_within_us, undo_us; /* -1: any */
    } want;
};

struct policy {
    struct hash version;        /* SHA-256 of `canonical` */
    struct str canonical;       /* RFC 8785 form of the file */
    enum verdict then, unknown_actions;
    struct str queue;           /* defaults.queue */
    enum review_mode mode;
    int64_t undo_us, respond_within_us, valid_for_us;
    int64_t outcome_within_us; /* after a redemption: later, its outcome is unknown */
    enum on_expiry on_expiry;
    unsigned decide_by;         /* set of enum decide_via */
    const struct policy_action *actions; /* sorted by name */
    size_t action_count;
    const struct policy_queue *queues;   /* sorted by name */
    size_t queue_count;
    struct policy_list reasons;
    int64_t pending_per_agent, proposals_per_minute;
    int64_t warm_up; /* approved uses of an allowed action before it goes unread; 0: none */
    const struct policy_rule *rules; /* in the order of the file */
    size_t rule_count;
    const struct policy_budget *budgets; /* in the order of the file */
    size_t budget_count;
    const struct policy_agent *agents; /* sorted by name */
    size_t agent_count;
    const struct policy_lexicon *lexicons; /* sorted by name */
    size_t lexicon_count;
    struct policy_list
        recipients; /* addresses, domains, numbers that are known; normalised, sorted */
    const struct policy_test *tests; /* in the order of the file */
    size_t test_count;
    struct cel_env *env;
    unsigned uses;     /* of all conditions: set of POLICY_USES_* */
    struct str source; /* the text that it was read from */
};

/* The variables of conditions, in the order of their numbers in `env`. */
#define POLICY_VARIABLES(X)                                                                        \
    X(ACTION, "action")                                                                            \
    X(ARGS, "args")                                                                                \
    X(BRIEF, "brief")                                                                              \
    X(AGENT, "agent")                                                                              \
    X(REQUESTER, "requester") X(SUBJECT, "subject") X(CATEGORY, "category") X(DOMAINS, "domains")  \
        X(LABELS, "labels") X(SESSION, "session") X(NOW, "now") X(HISTORY, "history")

enum policy_variable {
#define X(name, text) POLICY_V_##name,
    POLICY_VARIABLES(X)
#undef X
        POLICY_VARIABLE_COUNT
};

/* The windows of `history`: history.agent.count_1h, .sum_24h, ... */
#define POLICY_WINDOWS(X) X(1H, "1h", HOUR_US) X(24H, "24h", DAY_US) X(7D, "7d", (7 * DAY_US))
enum policy_window {
#define X(name, text, us) POLICY_WINDOW_##name,
    POLICY_WINDOWS(X)
#undef X
        POLICY_WINDOW_COUNT
};

/* What functions of conditions work with during one evaluation: `of_activation` of the
 * activation. */
struct policy_scope {
    const struct policy *policy;
    /* Whether a value (normalised) was approved before for whom the agent acts; may be NULL. */
    bool (*is_known)(void *with, struct str value);
    void *with;
    struct str requester;                     /* on whose behalf; absent: nobody said */
    const struct policy_unsourced *unsourced; /* what unsourced() found; NULL: nothing */
    struct str folded_of, folded;             /* the last text that mentions() has folded */
};

/* One value of the arguments that the request does not hold. */
struct policy_unsourced {
    const struct policy_unsourced *next;
    struct str pointer; /* into the arguments */
    struct str value;   /* as it stands there */
};

/* One finding of the loader: file:line:column: message. */
struct policy_finding {
    struct policy_place at;
    bool warning; /* a warning does not refuse */
    struct str message;
    struct str excerpt; /* of an expression: its line, and a caret below the place; or absent */
};

#define POLICY_BYTES_MAX (4 * MIB)
#define POLICY_CATEGORY_BYTES 128 /* of what an expression of `category` makes */
#define POLICY_FINDINGS_MAX 64
#define POLICY_TESTS_COST_MAX (10 * CEL_COST_MAX) /* steps of all tests: 0.5 s at worst */

/* Loads a policy from YAML text. All findings are put into `findings` (POLICY_FINDINGS_MAX of them), in
 * the order of the file; their texts live in ctx->arena. `file` is only for messages. On success the
 * caller owns one reference; else *out is NULL. Errors: FM_E_INVALID_ARGUMENT with
 * "FILE:LINE:COLUMN: message" of the first error in the detail; FM_E_OVERLOADED when memory is short. */
enum fm_err policy_parse(struct ctx *ctx, struct str file, struct str yaml,
                         struct policy_finding *findings, size_t *finding_count,
                         const struct policy **out) MUST_CHECK;

/* Reads the file and parses it. A file that cannot be read: FM_E_INVALID_ARGUMENT with "FILE: reason",
 * and no findings. */
enum fm_err policy_load(struct ctx *ctx, const char *path, struct policy_finding *findings,
                        size_t *finding_count, const struct policy **out) MUST_CHECK;

/* The same without running the file's tests: for those who run them one by one to show each
 * (`fermata policy test`). Such a policy must never come into force. */
enum fm_err policy_load_untested(struct ctx *ctx, const char *path, struct policy_finding *findings,
                                 size_t *finding_count, const struct policy **out) MUST_CHECK;
enum fm_err policy_parse_untested(struct ctx *ctx, struct str file, struct str yaml,
                                  struct policy_finding *findings, size_t *finding_count,
                                  const struct policy **out) MUST_CHECK;

/* A setting of a file of settings: one text, or a list of them. Texts live in the context's arena,
 * with a NUL behind them. */
struct setting {
    struct str name;
    unsigned line, column; /* of the name */
    bool is_list;
    const struct str *items;
    size_t count;
};
struct setting_names {
    const char *const *items;
    size_t count;
};
/* Reads a mapping of these names to texts or lists of texts; `out` has room for each name once.
 * Errors: FM_E_INVALID_ARGUMENT with "FILE:LINE:COLUMN: message", also for a name that is not known. */
enum fm_err settings_load(struct ctx *ctx, const char *path, const struct setting_names *names,
                          struct setting *out, size_t *count) MUST_CHECK;

/* What a test of the file came to. */
struct policy_outcome {
    bool passed;
    struct str why; /* of one that failed: "the verdict is earn, not review" */
    enum verdict verdict;
    struct str reasons; /* a JSON array, as an assessment has it */
    uint64_t cost;      /* steps of all conditions */
};
/* Runs one test of the policy. The function stands in assess/, which is above this folder: a policy
 * cannot be loaded by a program that cannot assess. Any thread. */
enum fm_err policy_test_run(struct ctx *ctx, const struct policy *policy,
                            const struct policy_test *test, struct policy_outcome *out) MUST_CHECK;

/* The policy that holds when no file is given: everything is reviewed by role:reviewer, backup leads.
 * Lives for ever: keeping and dropping it changes nothing. Any thread. */
const struct policy *policy_builtin(void);

const struct policy *policy_keep(const struct policy *policy); /* one more reference; any thread */
void policy_drop(const struct policy *policy);                 /* one less; NULL allowed */

/* By name; NULL when the file does not have it. O(log n). */
const struct policy_action *policy_action(const struct policy *policy, struct str name);
const struct policy_queue *policy_queue(const struct policy *policy, struct str name);

/* A rule by its id; NULL when there is none. O(n): rules are in the order of the file. */
const struct policy_rule *policy_rule(const struct policy *policy, struct str id);

/* Writes a list as a JSON array. */
void policy_list_write(struct json_out *out, struct policy_list list);

/* Likewise an agent that the file speaks of, and a lexicon. */
const struct policy_agent *policy_agent(const struct policy *policy, struct str name);
const struct policy_lexicon *policy_lexicon(const struct policy *policy, struct str name);

/* The program of an expression for an action (NULL: one that is not in the catalogue). NULL:
 * whatever the arguments, the condition is false for this action. */
const struct cel_program *policy_program(const struct policy_expr *expr,
                                         const struct policy_action *action);

/* Whether a domain is among those that the file gives an agent. */
bool policy_agent_has(const struct policy_agent *agent, struct str domain);

/* Whether `text` mentions a word of the lexicon: whole words, whatever their case and punctuation.
 * In time linear in the text. False also when memory is short (`*out` untouched). */
bool policy_mentions(struct arena *arena, const struct policy_lexicon *lexicon, struct str text,
                     bool *out) MUST_CHECK;

/* Addresses, account and telephone numbers and URLs that are values of their own in `arguments` (or
 * lists of such in one text): what people approve with them. What stands in the middle of a text,
 * which unsourced() sees as well, is not among them. `visit` gets the pointer, the text as it
 * stands, and its normal form; at most POLICY_RECIPIENTS_FOUND_MAX. False when memory is short. */
typedef void policy_recipient_fn(void *with, struct str pointer, struct str text,
                                 struct str normal);
bool policy_recipients(struct arena *arena, const struct json *arguments,
                       policy_recipient_fn *visit, void *with) MUST_CHECK;

/* Decimal arithmetic in millionths, for budgets: a JSON number or a decimal text. False for what is
 * neither, negative, or beyond 9,000,000,000,000; more than six decimals are rounded up. */
bool policy_micros(struct str decimal, int64_t *out) MUST_CHECK;

/* Changes ---------------------------------------------------------------------------------------
 * A change tightens only if that is so by construction; all else loosens. */

#define POLICY_LOOSENED_MAX 50

/* What a change loosens, in words ("defaults.then goes from review to allow"). */
struct policy_change {
    bool same;                                /* nothing changes what the policy means */
    size_t count;                             /* of loosened; 0: the change only tightens */
    struct str loosened[POLICY_LOOSENED_MAX]; /* the last one says when there is more */
};
enum fm_err policy_compare(struct ctx *ctx, const struct policy *from, const struct policy *to,
                           struct policy_change *out) MUST_CHECK;

/* Whether a person of this name and these roles is a member. */
bool policy_queue_has(const struct policy_queue *queue, struct str person, unsigned roles);
bool policy_has_reason(const struct policy *policy, struct str reason_code);

/* Roles: the bit numbers in role sets. */
#define ROLES(X)                                                                                   \
    X(REVIEWER, "reviewer") X(LEAD, "lead") X(POLICY, "policy") X(AUDITOR, "auditor")              \
    X(ADMIN, "admin")

enum role {
#define X(name, text) ROLE_##name,
    ROLES(X)
#undef X
    ROLE_COUNT
};
/* As written in the file and on the wire, "reviewer". */
const char *role_name(enum role role);
int role_of_name(struct str name); /* -1 when there is none */
#define ROLE_BIT(role) (1u << (role))

#endif
