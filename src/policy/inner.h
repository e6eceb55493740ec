/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of policy/ share and nobody else needs. A load goes through them in this order:
 * tree.c makes a tree with marks out of the YAML text, keys.c reads the tree by tables into the
 * struct, with the readers of value.c and schema.c; check.c looks at what only shows in the whole;
 * load.c puts it together. All of them report through findings.c and go on, so that one run names every
 * mistake.
 */
#ifndef FM_POLICY_INNER_H
#define FM_POLICY_INNER_H

#include "policy/policy.h"
#include "policy/policy_limits.h"

/* Findings ------------------------------------------------------------------------------------- */

/* A place in the file, counted from 1; columns count characters. */
struct mark {
    unsigned line, column;
};

/* The name of a queue somewhere in the file: checked once all queues are known. `name` is the very
 * text that stands in the struct. */
struct reference {
    const struct reference *next;
    struct str name;
    struct mark at;
};

/* An expression that waits to be compiled: once lexicons and actions are known. */
struct pending_expr {
    const struct pending_expr *next;
    struct policy_expr *expr;
    const struct node *node; /* where its text stands */
    const char *key;         /* "when" */
    enum cel_want want;
    bool early; /* may not read what only the committer knows, nor `category` */
};

/* A file that was read behind others: what place_of knows it by. */
struct policy_part {
    struct str file;
    unsigned lines_before; /* of the text, before its first */
};

/* One load under way. */
struct load {
    struct ctx *ctx;       /* the caller's: its arena holds the texts of the findings */
    struct arena *scratch; /* dies with the load: tree, references */
    struct arena *arena;   /* the policy's own */
    struct policy *policy;
    const struct reference *references;
    struct str source;                /* the file as it was given */
    struct str yaml;                  /* as tree_read saw it, for places inside expressions */
    const struct pending_expr *exprs; /* the newest first */
    size_t expr_bytes;
    bool untested; /* the file's tests are not run */
    bool peeks;    /* only the first document counts: to learn what it includes */
    struct policy_part parts[POLICY_INCLUDES_MAX]; /* of a load from files */
    size_t part_count;
    struct policy_finding findings[POLICY_FINDINGS_MAX];
    size_t finding_count, error_count; /* kept; error_count of them are no warnings */
    bool memory_short;
};

/* Adds a finding. Beyond POLICY_FINDINGS_MAX errors push out warnings and the rest is dropped. */
void finding_error(struct load *load, struct mark at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void finding_warning(struct load *load, struct mark at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a place inside an expression: `excerpt` is its line with a caret below. */
void finding_in_expr(struct load *load, struct mark at, struct str excerpt, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Whether there is no room for another error: work that only serves its message can be left out. */
bool finding_full(const struct load *load);

/* Puts the findings into the order of the file. */
void finding_sort(struct load *load);

/* `text` in double quotes for a message: cut to a few words, control characters as "?". In
 * scratch. */
const char *quoted(struct load *load, struct str text);

/* The known name that somebody probably meant. Start with {.wanted = ..}, offer every candidate,
 * then put nearest_hint into the message: `; did you mean "queue"?`, or nothing. */
struct nearest {
    struct str wanted, best;
    size_t distance;
};
void nearest_offer(const struct load *load, struct nearest *nearest, struct str candidate);
const char *nearest_hint(struct load *load, const struct nearest *nearest);

/* Tree ----------------------------------------------------------------------------------------- */

/* The place of a byte of a text's value in the file, as far as the way it is written allows: of
 * folded text, its beginning. */
struct mark node_place(const struct load *load, const struct node *node, size_t offset);

/* NODE_REFUSED stands where something was refused already: readers pass over it in silence. */
enum node_kind { NODE_TEXT, NODE_LIST, NODE_MAP, NODE_REFUSED };

/* A value of the file; lives in scratch. Invariant: in a map, `sorted` has `count` children in the
 * order of str_cmp of their keys; equal keys were reported. */
struct node {
    enum node_kind kind;
    bool plain; /* NODE_TEXT: written without quotes */
    char style; /* NODE_TEXT: the byte that it begins with when it is ' " | or >; else 0 */
    size_t byte; /* NODE_TEXT: where it begins in load->yaml */
    struct mark at, key_at;
    struct str key;  /* inside a map; else absent */
    struct str text; /* NODE_TEXT */
    size_t count;    /* of children */
    struct node *first, *next;
    struct node **sorted;
};

/* Puts the documents that follow the first into it, as its key `include` says; reports what does
 * not fit. False: memory is short. */
bool tree_join(struct load *load, struct node *root, struct node *const *parts, size_t count);

/* Sorts the children of a complete map, and refuses those whose key stood there before. False:
 * memory is short. */
bool tree_close(struct load *load, struct node *map);

/* Reads a file and, as further documents, those that it includes; notes in load->parts where each
 * begins. A file that cannot be read: FM_E_INVALID_ARGUMENT with "FILE: reason". */
enum fm_err include_read(struct load *load, const char *path, struct buf *out) MUST_CHECK;

/* A place of the text as a place of the file that it comes from. */
struct policy_place place_of(const struct load *load, struct mark at);

/* The same in words: "line 3", or "rules/refunds.yaml:3". In scratch. */
const char *line_words(struct load *load, struct mark at);

#define BYTE_ORDER_MARK S("\xEF\xBB\xBF") /* Windows editors */

/* Reads YAML into a tree. NULL when there is none (a finding says why, or memory is short). Plain
 * text keeps its spelling: what it means is up to the key that it stands under. */
const struct node *tree_read(struct load *load, struct str yaml);

/* Why a character may not stand in a file (or on a terminal), or NULL. */
const char *tree_refusal(uint32_t code);

/* The value under `key`, or NULL; `map` may be NULL or something else (then NULL). O(log n). */
const struct node *node_find(const struct node *map, struct str key);

/* Whether something in the value was refused already, so that it has no canonical form. */
bool node_has_refused(const struct node *node);

/* Where a pointer into the value stands in the file: as deep as it can be followed. */
struct mark node_mark_at(struct load *load, const struct node *node, struct str pointer);

/* Reads a file, at most a little more than a policy may have. "FILE: reason" when it cannot be
 * read. */
enum fm_err policy_file_read(struct ctx *ctx, const char *path, struct buf *out) MUST_CHECK;

/* Whether the node is an empty value: nothing, ~ or null without quotes. */
bool node_is_nothing(const struct node *node);

/* Whether the node is an empty list, an empty map or nothing. */
bool node_is_empty(const struct node *node);

/* Appends the RFC 8785 form of the tree. Numbers in canonical spelling and true, false, null
 * without quotes are themselves, all other text is a string: files of different meaning never
 * share a form. */
enum fm_err canonical_write(struct load *load, const struct node *root, struct buf *out) MUST_CHECK;

/* Whether plain text is a number in the spelling of the canonical form. */
bool canonical_is_number(struct load *load, struct str text);

/* Keys ----------------------------------------------------------------------------------------- */

/* A word that a value may be. `refusal`: known, but not accepted, for this reason. Tables end in
 * {0}. */
struct choice {
    const char *name;
    unsigned value;
    const char *refusal;
};

struct key;
typedef void (*key_read_fn)(struct load *load, const struct node *value, const struct key *key,
                            void *into);

/* A key of some map: how its value is read, and where to. Tables end in {0}. */
struct key {
    const char *name;
    key_read_fn read;
    size_t offset;               /* of the target in `into` */
    const struct choice *choices; /* value_choice, value_choices */
    const struct key *keys;       /* value_map */
    int64_t min, max;             /* value_int; value_text: characters; lists: items */
};

/* Readers: put the value at `into` + key->offset, or report it. */
void value_map(struct load *load, const struct node *value, const struct key *key, void *into);
void value_choice(struct load *load, const struct node *value, const struct key *key, void *into);
void value_choices(struct load *load, const struct node *value, const struct key *key, void *into);
void value_bool(struct load *load, const struct node *value, const struct key *key, void *into);
void value_int(struct load *load, const struct node *value, const struct key *key, void *into);
void value_duration(struct load *load, const struct node *value, const struct key *key, void *into);
void value_word(struct load *load, const struct node *value, const struct key *key, void *into);
void value_words(struct load *load, const struct node *value, const struct key *key, void *into);
void value_queue(struct load *load, const struct node *value, const struct key *key, void *into);
void value_person(struct load *load, const struct node *value, const struct key *key, void *into);
void value_members(struct load *load, const struct node *value, const struct key *key, void *into);
void value_text(struct load *load, const struct node *value, const struct key *key, void *into);
void value_title(struct load *load, const struct node *value, const struct key *key, void *into);
void value_schema(struct load *load, const struct node *value, const struct key *key, void *into);
void value_pointers(struct load *load, const struct node *value, const struct key *key, void *into);

void value_expr(struct load *load, const struct node *value, const struct key *key, void *into);
void value_decimal(struct load *load, const struct node *value, const struct key *key, void *into);

/* Whether the value is a map (nothing is the empty one), or a list of at most `max` items;
 * reported when not. */
bool value_is_map(struct load *load, const struct node *value, const char *name);
bool value_is_list(struct load *load, const struct node *value, const struct key *key, size_t max);

/* The key of a child as the name of an agent, in the policy's arena; reported when it is none. */
struct str value_person_name(struct load *load, const struct node *child);

/* Whether `name` has 1 to `max_bytes` bytes of [a-z0-9._/-]. */
bool value_is_word(struct str name, size_t max_bytes);

/* Copies into the policy's arena; remembers when memory is short. */
struct str value_keep(struct load *load, struct str text);

/* Reads a map by a table of its keys. */
void keys_read_map(struct load *load, const struct node *map, const struct key *keys, void *into);

/* Room for the children of a section, at most `max`; NULL when reported, or when there are none. */
void *keys_room(struct load *load, const struct node *section, const char *name, size_t max,
                size_t size);

/* Readers of the sections of rules.c. */
void read_rules(struct load *load, const struct node *value, const struct key *key, void *into);
void read_budgets(struct load *load, const struct node *value, const struct key *key, void *into);
void read_agents(struct load *load, const struct node *value, const struct key *key, void *into);
void read_lexicons(struct load *load, const struct node *value, const struct key *key, void *into);
void read_recipients(struct load *load, const struct node *value, const struct key *key,
                     void *into);
void read_tests(struct load *load, const struct node *value, const struct key *key, void *into);
void read_later(struct load *load, const struct node *value, const struct key *key, void *into);

/* Words that both keys.c and rules.c accept. */
extern const struct choice choices_then[], choices_mode[], choices_expiry[];

/* Reads the whole file's map into load->policy, which holds the defaults already. */
void keys_read(struct load *load, const struct node *root);

/* Reports what only shows in the whole: queues that do not exist, backups in a circle. */
void check_whole(struct load *load, const struct node *root);

/* Whether what the tests name exists; then runs them. What fails is reported where it stands. */
void tests_check(struct load *load);
void tests_run(struct load *load);

/* Compiles what waits in load->exprs, and reports what is wrong with it. */
void conditions_compile(struct load *load);
/* Members of arguments that conditions name, and whether some schema knows them. */
struct arguments_named {
    struct str names[256]; /* of expressions; more are not remembered, and must be in each schema */
    bool known[256];
    size_t count;
};
void types_name(struct arguments_named *named, struct str expression);
bool types_mark_known(struct load *load, const struct policy_action *action,
                      struct arguments_named *named);

/* The type of an action's arguments, by its schema; NULL when memory is short. */
const struct cel_type *types_arguments(struct load *load, const struct policy_action *action,
                                       const struct arguments_named *named);
/* What is known of a proposal of an action before there is one: `action`. In the arena, with the
 * scope, which it borrows; NULL when memory is short (as `arena` may be). */
struct cel_activation *types_known(struct load *load, struct arena *arena,
                                   struct policy_scope *scope, const struct policy_action *action);
/* Whether a condition can be true for an action, whatever the rest of the proposal. */
bool types_concern(struct load *load, const struct cel_program *program,
                   const struct policy_action *action);
/* Frees the programs and the environment of a policy. */
void conditions_free(struct policy *policy);

/* Makes the automaton of a lexicon in the policy's arena, adding its folded bytes to `*bytes`;
 * NULL when memory is short (load->memory_short) or there are too many (`*bytes` beyond the
 * limit). A word without a letter or digit is reported at `at`. */
const struct lexicon *lexicon_new(struct load *load, struct policy_list words, struct mark at,
                                  size_t *bytes);

/* The normal form of a recipient that the file lists; absent when it is none. In the arena. */
struct str recipient_normal(struct arena *arena, struct str text);

/* routing.c: calls `visit` for each rule of `to` that can take a hold to its queue from another one
 * (`instead`), which decides it under `from`. Rules whose own queue has changed are the caller's.
 * false: memory is short. */
bool routing_compare(struct arena *scratch, const struct policy *from, const struct policy *to,
                     void (*visit)(void *with, const struct policy_rule *rule, struct str instead),
                     void *with);

/* A queue whose backup brings in people who are neither of it nor the leads: there, less time is
 * less time for those who decide first. NULL: none. */
const struct policy_queue *routing_backup(const struct policy *policy);

/* The functions of conditions. */
cel_call_fn call_mentions, call_unsourced;

/* The policy in which all is as the page "policy" says for a file that is silent. */
extern const struct policy POLICY_SILENT;

#endif
