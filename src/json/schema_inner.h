/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of JSON Schema share. A schema is compiled in this order: schema_index.c copies
 * the documents and finds their subschemas, resources and anchors; schema_compile.c turns the
 * keywords of each subschema into rules; schema_check.c runs the rules on a value, with the
 * checks of schema_apply.c (subschemas on the value or its parts) and schema_assert.c (the value
 * itself).
 */
#ifndef FM_JSON_SCHEMA_INNER_H
#define FM_JSON_SCHEMA_INNER_H

#include "base/map.h"
#include "regex/regex.h"
#include "json/inner.h"
#include "json/json_schema.h"

/* Numbers: sign * digits * 10^exponent, digits without a zero at the end; 0 has exponent 0. */
struct schema_number {
    uint64_t digits;
    int exponent;
    bool negative;
};

struct schema_number schema_number_of(const struct json *value);
int schema_number_cmp(const struct schema_number *a, const struct schema_number *b);
bool schema_number_is_integer(const struct schema_number *number);
/* Whether `value` is a whole number of times `unit`, which is above 0. Exact. */
bool schema_number_divides(const struct schema_number *value, const struct schema_number *unit);

/* A total order of values in which equal ones, and only those, are equal: <0, 0, >0. Takes what it
 * costs off `*steps` and stops looking when they are used up. */
int schema_value_cmp(const struct json *a, const struct json *b, int64_t *steps);

/* URIs: RFC 3986 5.2.2 of `reference` against `base`, without the fragment, which `*fragment`
 * becomes (decoded; absent when there is none). In the arena; p is NULL when it is full. */
struct str schema_uri_resolve(struct arena *arena, struct str base, struct str reference,
                              struct str *fragment);

/* Patterns: the RE2 spelling of an ECMA-262 pattern, appended to `out`. NULL, or what RE2 cannot do
 * or ECMA-262 does not have, with its place in `*at`. */
const char *schema_pattern_translate(struct str pattern, struct buf *out, size_t *at);

/* Whether RE2 and ECMA-262 both take it: for `format: regex`. */
bool schema_pattern_is_valid(struct str pattern);

/* Formats: a test of a text. NULL when the name is not known. */
typedef bool schema_format_fn(struct str text);
schema_format_fn *schema_format_find(struct str name);
#define SCHEMA_FORMATS                                                                             \
    "date-time, date, time, duration, email, hostname, ipv4, ipv6, uri, uri-reference, uuid, "     \
    "json-pointer, relative-json-pointer, regex"

/* The draft's own documents: the JSON text of one, or absent. */
struct str schema_meta_find(struct str uri);
#define SCHEMA_DRAFT       "https://json-schema.org/draft/2020-12/schema"
#define SCHEMA_DRAFT_VOCAB "https://json-schema.org/draft/2020-12/vocab/"

/* The candidate that somebody probably meant by `wanted`, among the `best` so far and `candidate`:
 * start with absent. Names of up to 32 bytes are compared. */
void schema_nearest(struct str wanted, struct str candidate, struct str *best);

/* Nodes -------------------------------------------------------------------------------------- */

/* The draft's vocabularies. Core is always on. */
enum vocabulary {
    VOCABULARY_CORE = 1,
    VOCABULARY_APPLICATOR = 2,
    VOCABULARY_UNEVALUATED = 4,
    VOCABULARY_VALIDATION = 8,
    VOCABULARY_META = 16,
    VOCABULARY_FORMAT = 32,
    VOCABULARY_CONTENT = 64,
    VOCABULARY_FORMAT_ASSERTION = 128,
    VOCABULARY_DRAFT = 127
};

struct node;

/* A `$anchor` or `$dynamicAnchor` of a resource. */
struct anchor {
    struct anchor *next;
    struct str name;
    struct node *node;
    bool dynamic;
};

/* A schema resource: the root of a document, or a subschema with an `$id`. */
struct resource {
    struct str uri;
    struct str document; /* where it came from, for errors; empty for the schema itself */
    struct node *root;
    struct anchor *anchors;
    unsigned anchor_count;
    unsigned vocabularies;
};

enum node_state { NODE_UNSEEN, NODE_OPEN, NODE_DONE }; /* of the search for circles */

/* A subschema. */
struct node {
    struct node *next;         /* in the order in which they were found */
    const struct json *source; /* JSON_OBJECT, JSON_TRUE or JSON_FALSE */
    struct resource *resource;
    const struct json_path *at; /* in its document; NULL is the root */
    const struct rule *rules;
    uint32_t rule_count;
    bool unevaluated; /* has a rule that asks what others have evaluated */
    enum node_state state;
    unsigned depth; /* of subschemas on the same value, itself included */
};

struct run;
struct frame;
struct rule;
struct compile;

/* Checks one keyword; reports what is wrong. */
typedef bool check_fn(struct run *run, const struct rule *rule, const struct frame *frame);
/* Reads one keyword into `rule`; a rule whose `check` stays NULL is dropped. */
typedef enum fm_err compile_fn(struct compile *compile, struct node *node, struct rule *rule);

enum subschemas { SUB_NONE, SUB_ONE, SUB_LIST, SUB_MAP };

/* One row of the table of keywords. */
struct keyword {
    const char *name;
    unsigned vocabulary;
    enum subschemas subschemas;
    compile_fn *compile; /* NULL: an annotation, or read with another keyword */
    check_fn *check;
    bool in_place; /* its subschemas are applied to the same value */
    bool late;     /* asks what the other keywords have evaluated */
};

/* A keyword of a node, ready to run. Which of the members count is the keyword's affair. */
struct rule {
    const struct keyword *keyword;
    check_fn *check;
    const struct json *value;   /* of the keyword; NULL where it is absent (see compile_members) */
    const struct node *node;    /* SUB_ONE; the target of a reference */
    const struct node **nodes;  /* SUB_LIST, SUB_MAP: in the order of `value` */
    uint32_t count;             /* of nodes, or of sorted */
    const struct json **sorted; /* enum: by schema_value_cmp */
    const struct regex **patterns; /* pattern; patternProperties */
    const struct node **pattern_nodes;
    uint32_t pattern_count;
    const struct node *other;     /* additionalProperties; items behind prefixItems; then */
    const struct node *otherwise; /* else */
    const struct keyword *other_keyword;
    struct schema_number number;
    uint64_t limit, limit_max;
    unsigned types;
    struct str anchor; /* $dynamicRef: the name that may be found further out; absent: none */
    schema_format_fn *format;
};

struct json_schema {
    struct arena *arena; /* holds the schema itself too */
    const struct json *source;
    struct node *first, *last; /* all nodes */
    struct node *root;
    struct map *by_source; /* address of a source -> struct node */
    struct map *resources; /* URI -> struct resource */
    struct map *patterns;  /* text -> struct regex */
    size_t node_count;
};

/* One compilation under way. */
struct compile {
    struct ctx *ctx;
    struct json_schema *schema;
    const struct json_schema_options *options;
};

extern const struct keyword SCHEMA_KEYWORDS[];         /* ends in a row without a name */
const struct keyword *schema_keyword(struct str name); /* NULL when the draft has no such */

/* Refuses the schema at a keyword of `node`. */
enum fm_err schema_refuse(struct compile *compile, const struct node *node, struct str keyword,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Takes in a document: copies it, makes its nodes, resources and anchors known. */
enum fm_err schema_index(struct compile *compile, struct str uri, struct str document,
                         const struct json *source, struct resource **out) MUST_CHECK;

/* The node that `reference`, standing in a keyword of `node`, leads to. `*fragment` becomes its
 * fragment. Documents are taken in as they are named. */
enum fm_err schema_resolve(struct compile *compile, const struct node *node, struct str keyword,
                           struct str reference, struct str *fragment, struct node **out)
    MUST_CHECK;

/* Reads the keywords of all nodes, those that are found on the way included. */
enum fm_err schema_compile(struct compile *compile) MUST_CHECK;

/* Follows what is applied to the same value as `node`, which itself is `level` deep. */
enum fm_err schema_measure(struct compile *compile, struct node *node, unsigned level) MUST_CHECK;

/* The node of a subschema that was found. */
struct node *schema_node(const struct json_schema *schema, const struct json *source);

const struct anchor *schema_anchor(const struct resource *resource, struct str name);

/* Types -------------------------------------------------------------------------------------- */

enum {
    TYPE_NULL = 1,
    TYPE_BOOLEAN = 2,
    TYPE_OBJECT = 4,
    TYPE_ARRAY = 8,
    TYPE_NUMBER = 16,
    TYPE_STRING = 32,
    TYPE_INTEGER = 64
};
extern const char *const SCHEMA_TYPES[7]; /* by bit: "null", ... */

/* Running ------------------------------------------------------------------------------------ */

struct scope {
    const struct scope *up; /* further out; NULL at the outermost */
    const struct resource *resource;
};

struct problem {
    struct json_schema_error error;
    unsigned rank;
};

#define PROBLEMS_MAX (2 * JSON_SCHEMA_ERRORS_MAX)

/* Where problems are gathered. */
struct problems {
    struct problem rows[PROBLEMS_MAX];
    size_t count, seen; /* kept; and all that there were */
};

struct run {
    struct arena *arena;       /* of the caller: texts of errors */
    struct arena *scratch;     /* of this check; NULL until something needs it */
    int64_t steps;             /* left; at 0 the check has failed */
    struct problems *problems; /* NULL: whether it matches is all that is asked */
    bool too_deep, memory_short;
};

/* A subschema on a value. */
struct frame {
    const struct json *value;
    const struct json_path *path; /* of the value; NULL is the root */
    const struct scope *scope;
    uint64_t *seen; /* a bit for each member or item that was evaluated; NULL: nobody asks */
    unsigned depth;
    const struct node *node;
};

/* Runs `node` on the value of `frame`; what it evaluates is added to frame->seen. */
bool schema_run(struct run *run, const struct node *node, const struct frame *frame);
/* The same, but silent, and with what it evaluates only where it matches. */
bool schema_try(struct run *run, const struct node *node, const struct frame *frame);
/* Runs `node` on a part of the value: `step` says which, with its `up` unset. */
bool schema_run_part(struct run *run, const struct node *node, const struct frame *frame,
                     const struct json *part, struct json_path step);

/* Whether another problem would be kept: if not, nothing is worth its words, and what does not match
 * is done. */
static inline bool schema_collects(const struct run *run)
{
    return run->problems && run->steps > 0 && run->problems->seen < PROBLEMS_MAX;
}

/* Takes steps off; false when they are used up. */
bool schema_spend(struct run *run, size_t steps);

/* Says what is wrong with the frame's value, or with its part `step` (NULL: the whole). Returns
 * false, for `return schema_say(...)`. */
bool schema_say(struct run *run, const struct rule *rule, const struct frame *frame,
                const struct json_path *step, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* A bit for each member or item of the frame's value, all 0: `*room` where they fit it. NULL when
 * memory is short. */
uint64_t *schema_bits(struct run *run, const struct frame *frame, uint64_t *room);

/* Memory of this check alone; NULL when it is short, which ends the check. */
void *schema_scratch(struct run *run, size_t size);

/* A value for a sentence: its canonical form, cut to a few words. In the run's arena. */
const char *schema_show(struct run *run, const struct json *value);
const char *schema_show_text(struct run *run, struct str text);

static inline void schema_mark(const struct frame *frame, size_t index)
{
    if (frame->seen) {
        frame->seen[index / 64] |= UINT64_C(1) << index % 64;
    }
}

static inline bool schema_marked(const struct frame *frame, size_t index)
{
    return frame->seen && (frame->seen[index / 64] >> index % 64 & 1) != 0;
}

/* Checks, one per keyword. */
check_fn check_members, check_items, check_contains, check_ref, check_dynamic_ref, check_all_of,
    check_any_of, check_one_of, check_not, check_if, check_property_names, check_dependent_schemas,
    check_unevaluated_items, check_unevaluated_properties;
check_fn check_type, check_const, check_enum, check_multiple_of, check_maximum, check_minimum,
    check_exclusive_maximum, check_exclusive_minimum, check_max_length, check_min_length,
    check_pattern, check_max_items, check_min_items, check_unique_items, check_max_properties,
    check_min_properties, check_required, check_dependent_required, check_format;

#endif
