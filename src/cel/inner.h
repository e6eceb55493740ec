/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of this folder share. The way of an expression: lex.c cuts it into tokens, parse.c
 * makes a tree of nodes and macro.c the loops in it, check.c resolves names and gives each node its
 * type, prepare.c computes what is constant and compiles patterns, eval.c walks the tree.
 *
 * 1. What recurses over the tree carries a depth; the parser refuses trees that are deeper than
 *    CEL_DEPTH_MAX, so the others never meet one.
 * 2. After cel_compile a tree never changes.
 */
#ifndef FM_CEL_INNER_H
#define FM_CEL_INNER_H

#include "base/clock.h"
#include "cel/cel.h"

#define LOCALS_MAX      256u /* variables of macros that are in scope at one place */
#define CALL_ARGS_MAX   16u  /* arguments of a call */
#define PATTERN_MAX     256u /* bytes of a pattern for matches() that is only known at run time */
#define VALUE_DEPTH_MAX (JSON_DEPTH_MAX + 2 * CEL_DEPTH_MAX) /* of a value: JSON in literals */

/* How a value is held, in cel_value.form. */
enum {
    FORM_PLAIN = 0,
    FORM_JSON = 1 /* CEL_LIST, CEL_MAP: as.json. CEL_DOUBLE: a number of JSON */
};

/* Kinds that stand in activations only. */
enum { KIND_UNSET = 0xFE, KIND_LAZY = 0xFD, KIND_COMPUTING = 0xFC };

struct cel_list {
    size_t count;
    const struct cel_value *items;
};

struct cel_entry {
    struct cel_value key, value;
};

struct cel_map {
    size_t count;
    const struct cel_entry *entries; /* in the order in which they were made */
    const uint32_t *slots;           /* by hash, entry + 1 or 0; NULL for a small map */
    uint32_t mask;
};

/* Types ---------------------------------------------------------------------------------------- */

struct member {
    struct str name;
    const struct cel_type *type;
    enum cel_member_flag flag;
};

struct cel_type {
    enum cel_type_kind kind;
    bool open;       /* CEL_T_OBJECT */
    uint16_t count;  /* of parameters */
    uint32_t number; /* CEL_T_VAR */
    struct str name; /* CEL_T_OBJECT, CEL_T_OPAQUE */
    const struct cel_type *const *parameters;
    struct member *members; /* CEL_T_OBJECT */
    size_t member_count, member_room;
};

/* The binding of type variables while one expression is checked. */
struct binding {
    struct arena *arena;
    const struct cel_type **bound; /* by number; NULL is free */
    uint32_t count, room;
    bool full; /* memory was short: nothing that was found out holds */
    struct {
        uint32_t number;
        const struct cel_type *before;
    } * trail; /* what to undo */
    uint32_t trail_count, trail_room;
};

const struct cel_type *cel_type_new(struct arena *arena, enum cel_type_kind kind, struct str name,
                                    const struct cel_type *const *parameters, size_t count);
const struct cel_type *cel_type_of_1(struct arena *arena, enum cel_type_kind kind,
                                     const struct cel_type *of);
const struct cel_type *cel_type_of_2(struct arena *arena, enum cel_type_kind kind,
                                     const struct cel_type *first, const struct cel_type *second);
const struct member *cel_type_member(const struct cel_type *object, struct str name);
bool cel_type_is_numeric(const struct cel_type *type);

const struct cel_type *cel_binding_fresh(struct binding *binding);
const struct cel_type *cel_binding_find(const struct binding *binding, const struct cel_type *type);
/* Whether a value of type `from` may stand where `to` is wanted; binds variables of both. */
bool cel_binding_assignable(struct binding *binding, const struct cel_type *to,
                            const struct cel_type *from, unsigned depth);
/* The same for several at once; on failure nothing is bound. */
bool cel_binding_all_assignable(struct binding *binding, const struct cel_type *const *to,
                                const struct cel_type *const *from, size_t count);
/* The type that holds both, or dyn. */
const struct cel_type *cel_binding_join(struct binding *binding, const struct cel_type *a,
                                        const struct cel_type *b);
/* The type with all variables replaced; free ones become dyn. */
const struct cel_type *cel_binding_close(struct binding *binding, const struct cel_type *type,
                                         unsigned depth);

/* Functions ------------------------------------------------------------------------------------ */

struct cel_eval;
struct node;

/* The work of a standard function; no argument is an error. */
typedef struct cel_value builtin_fn(struct cel_eval *eval, const struct node *node,
                                    const struct cel_value *args, size_t count);

/* A standard function. `overloads` are signatures parted by blanks: types of the arguments, a
 * colon, the type of the result; one that begins with a dot is called on its first argument.
 * Letters: i int, u uint, d double, s string, b bool, y bytes, t timestamp, r duration, n null, *
 * dyn, A B type parameters, Lx list, Mxy map, Ox optional, Tx type. */
struct builtin {
    struct str name;
    const char *overloads;
    builtin_fn *call;
    uint8_t steps; /* beyond the one of every node */
};

const struct builtin *cel_builtin_find(struct str name);
const struct builtin *cel_builtin_at(size_t index); /* NULL from the end on */

/* Tables of builtins, one a file, ended by an empty name. */
extern const struct builtin cel_builtin_operators[], cel_builtin_conversions[],
    cel_builtin_strings[], cel_builtin_texts[], cel_builtin_math[], cel_builtin_times[],
    cel_builtin_optionals[];

/* Environment ---------------------------------------------------------------------------------- */

struct variable {
    struct str name;
    const struct cel_type *type;
};

struct cel_env {
    struct arena *arena;
    struct variable variables[CEL_VARIABLES_MAX];
    size_t variable_count;
    struct cel_function **functions;
    size_t function_count, function_room;
    struct str container;
    const struct cel_reserved *reserved; /* ends in {0}; NULL: none */
    bool unchecked;
    struct cel_activation *assumed; /* what is known ahead; NULL: nothing */
};

/* The first function of that name, or NULL; the next ones are further up in the list. */
const struct cel_function *const *cel_env_function(const struct cel_env *env, struct str name);
/* One of the names of types that can stand in an expression, as its value; false if it is none. */
bool cel_env_type_name(struct str name, struct cel_value *value, const struct cel_type **type);

/* Nodes ---------------------------------------------------------------------------------------- */

enum node_kind {
    NODE_CONST,
    NODE_IDENT, /* a name that nothing declares; an error when it is evaluated */
    NODE_VARIABLE,
    NODE_LOCAL,
    NODE_SELECT,
    NODE_HAS,
    NODE_OPT_SELECT,
    NODE_INDEX,
    NODE_OPT_INDEX,
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_COND,
    NODE_EQUAL, /* op: 1 is != */
    NODE_ORDER, /* op: enum order_op */
    NODE_IN,
    NODE_CALL,
    NODE_LIST, /* optional items have NODE_F_OPTIONAL */
    NODE_MAP,  /* args: key, value, key, value; an optional entry's key has NODE_F_OPTIONAL */
    NODE_LOOP,
    NODE_BLOCK /* args: the items of its list, then the result */
};

/* node.op of a call of or() and orValue() */
enum { CALL_LAZY = 1 };

enum order_op { ORDER_LESS, ORDER_LESS_EQUAL, ORDER_GREATER, ORDER_GREATER_EQUAL };

enum loop_kind {
    LOOP_ALL,
    LOOP_EXISTS,
    LOOP_EXISTS_ONE,
    LOOP_MAP,
    LOOP_FILTER,
    LOOP_TRANSFORM_LIST,
    LOOP_TRANSFORM_MAP,
    LOOP_TRANSFORM_ENTRY,
    LOOP_BIND,
    LOOP_OPT_MAP,
    LOOP_OPT_FLAT_MAP
};

enum {
    NODE_F_OPTIONAL = 1, /* of an item or key: it may be absent */
    NODE_F_INT = 2,      /* a number of JSON is read as an int here */
    NODE_F_EMPTY = 4,    /* a member that reads as empty where it is absent */
    NODE_F_RECEIVER = 8, /* a call x.f(y) */
    NODE_F_ROOTED = 16,  /* a name with a leading dot */
    NODE_F_PARENTHESES = 32
};

struct loop {
    enum loop_kind kind;
    bool two;            /* index and item, or key and value */
    struct str names[2]; /* one name: the second is absent */
    uint16_t slots[2];
    struct node *filter; /* NULL: everything */
    struct node *body;   /* what is tested or made; NULL of a filter */
};

/* What a call needs at run time. */
struct callee {
    const struct builtin *builtin;
    const struct cel_function *const *functions; /* ours: those of the name, the first of them */
    size_t function_count;
    void *ready; /* a struct regex or struct zone of a constant argument, or NULL */
};

struct node {
    uint8_t kind, op, flags;
    uint8_t depth;
    uint32_t at, start, end; /* the place that errors name, and its text */
    uint32_t count;
    struct node **args;
    struct str name; /* of a name, member, function */
    const struct cel_type *type;
    union {
        struct cel_value value; /* NODE_CONST; the empty value of NODE_F_EMPTY */
        uint32_t slot;          /* NODE_VARIABLE, NODE_LOCAL; the first of NODE_BLOCK */
        struct loop *loop;
        struct callee *callee;
    } as;
};

/* Compilation ---------------------------------------------------------------------------------- */

/* A regular expression or time zone of a program: freed with it. */
struct resource {
    struct resource *next;
    void (*free)(void *what);
    void *what;
};

struct cel_program {
    struct arena *arena;
    const struct cel_env *env;
    struct str text;
    struct node *root;
    enum cel_want want;
    bool reads[CEL_VARIABLES_MAX];
    struct str *functions; /* names, each once */
    size_t function_count, function_room;
    struct resource *resources;
    size_t pattern_count;
};

struct compiler {
    struct arena *arena;
    const struct cel_env *env;
    struct cel_program *program;
    struct str text;
    struct cel_findings *findings;
    struct arena *finding_arena;
    size_t node_count;
    bool full; /* memory was short */
};

/* Adds a finding at a byte of the text. */
void cel_compiler_found(struct compiler *compiler, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with a suggestion, which may be absent. */
void cel_compiler_found_near(struct compiler *compiler, uint32_t at, struct str suggestion,
                             const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Line and column of a byte. */
void cel_place_of(struct str text, uint32_t at, uint32_t *line, uint32_t *column);

/* The best of the names offered so far for one that is unknown. */
struct nearest {
    struct str wanted, best;
    size_t score;
};
void cel_nearest_offer(struct nearest *nearest, struct str name);

/* Reads the text into program->root; NULL (and a finding) where it is none. */
struct node *cel_parse(struct compiler *compiler);
/* Nodes of the parser. NULL when memory is short, or (with a finding) beyond the limits. */
struct node *cel_node_new(struct compiler *compiler, enum node_kind kind, uint32_t at,
                          struct node *const *args, size_t count);
/* The loop, test or binding that a call stands for; `call` itself when it is no macro; NULL after a
 * finding. */
struct node *cel_macro_expand(struct compiler *compiler, struct node *call);
/* Resolves names and types of the whole tree. */
void cel_check_all(struct compiler *compiler, struct node *root);
/* Computes constants, compiles patterns, chooses faster nodes. */
void cel_prepare(struct compiler *compiler, struct node *node, unsigned depth);
bool cel_compiler_keep(struct compiler *compiler, void *what, void (*free_fn)(void *what));
/* The dotted name that a chain of names and members spells ("a.b.c"), in the arena; absent if none.
 */
struct str cel_node_dotted(struct compiler *compiler, const struct node *node);

/* Evaluation ----------------------------------------------------------------------------------- */

struct cel_eval {
    uint64_t left; /* steps */
    bool broke;    /* more was asked for than was left */
    const struct cel_program *program;
    struct cel_activation *activation;
    struct arena *arena;
    struct cel_value *locals;
    const struct node *node; /* of the function that runs */
    const struct node *here; /* what was begun last: where it stopped, if the budget ends */
    struct missed {
        const struct node *node; /* that found no member last; NULL: none */
        struct cel_value in;
        struct str name;
    } missed;
};

struct lazy {
    cel_lazy_fn *compute;
    void *with;
};

struct cel_activation {
    const struct cel_env *env;
    struct arena *arena; /* of lazy values, which outlive an evaluation */
    void *of_activation;
    struct cel_value *values; /* by number; KIND_LAZY: `number` is its place in lazies */
    struct lazy *lazies;
};

struct cel_value cel_eval_node(struct cel_eval *eval, const struct node *node, unsigned depth);
struct cel_value cel_eval_loop(struct cel_eval *eval, const struct node *node, unsigned depth);
struct cel_value cel_eval_call(struct cel_eval *eval, const struct node *node, unsigned depth);
/* Sets the loop's variables to the i-th item of its range. */
void cel_loop_enter(struct cel_eval *eval, const struct loop *loop, struct cel_value range,
                    size_t i);
/* "1:8: division by zero" */
struct str cel_eval_message(const struct cel_program *program, struct arena *arena,
                            const struct cel_error *error);
/* Pays; false when the budget is used up. */
static inline bool eval_pay(struct cel_eval *eval, uint64_t steps)
{
    if (eval->left < steps) {
        eval->left = 0;
        eval->broke = true;
        return false;
    }
    eval->left -= steps;
    return true;
}

/* Errors of an evaluation, at the node. */
struct cel_value cel_eval_fail(struct cel_eval *eval, const struct node *node, const char *format,
                               ...) __attribute__((format(printf, 3, 4)));
struct cel_value cel_eval_too_costly(void);
struct cel_value cel_eval_no_memory(void);
/* "no such overload", naming the kinds. */
struct cel_value cel_eval_no_overload(struct cel_eval *eval, const struct node *node,
                                      const struct cel_value *args, size_t count);

static inline bool is_error(struct cel_value value)
{
    return value.kind == CEL_ERROR;
}
/* An error that && and || must not absorb. */
static inline bool is_fatal(struct cel_value value)
{
    return value.kind == CEL_ERROR && value.as.error->kind != CEL_FAILED;
}

/* Values --------------------------------------------------------------------------------------- */

struct str cel_value_type_name(struct cel_value value);
/* Equality and order that pay as they go (`eval` may be NULL: free). Equality of error-free values
 * never fails; false with *broke when the budget is used up. */
bool cel_value_equal(struct cel_eval *eval, struct cel_value a, struct cel_value b, unsigned depth);
/* <0, 0, >0; 2 when they cannot be ordered by type, 3 when one is NaN. */
int cel_value_order(struct cel_value a, struct cel_value b);
bool cel_value_is_key(struct cel_value value);
/* An index or count: an int, uint or a double without a fraction. */
bool cel_value_to_int(struct cel_value value, int64_t *out);
struct cel_value value_of_json(const struct json *json);
bool cel_value_is_empty(struct cel_value value); /* the zero value of its kind */
/* A map of entries, refusing keys that stand twice; CEL_ERROR where that or memory fails. */
struct cel_value cel_value_map(struct cel_eval *eval, const struct node *node,
                               const struct cel_entry *entries, size_t count);
/* The value under a key; 1 found, 0 not, -1 the key is of no kind that keys have. `eval` may be
 * NULL. */
int cel_value_lookup(struct cel_eval *eval, struct cel_value map, struct cel_value key,
                     struct cel_value *out);
struct cel_entry cel_value_entry(struct cel_value map, size_t index);
struct cel_value cel_value_some(struct cel_eval *eval, struct cel_value value);
struct cel_value cel_value_text_of(struct cel_eval *eval,
                                   struct buf *buf); /* a string copied from it */
struct cel_value cel_value_new_list(struct cel_eval *eval, const struct cel_value *items,
                                    size_t count);
static inline struct cel_value value_none(void)
{
    return (struct cel_value){.kind = CEL_OPTIONAL};
}
static inline bool is_json_number(struct cel_value value)
{
    return value.kind == CEL_DOUBLE && value.form == FORM_JSON;
}

/* A search that nearly matches everywhere takes so much longer than reading. */
#define SEARCH_FACTOR 4u
/* Pays for reading or making that many bytes. */
bool cel_pay_bytes(struct cel_eval *eval, size_t n);
/* x.format([...]) */
struct cel_value cel_text_format(struct cel_eval *eval, const struct node *node,
                                 const struct cel_value *args, size_t count);

/* A number of JSON; an error where it is not finite. */
struct cel_value cel_finite_number(struct cel_eval *eval, const struct node *node, double real);
/* Arithmetic of operators.c; op is one of + - * / %. */
struct cel_value cel_arithmetic(struct cel_eval *eval, const struct node *node, char op,
                                struct cel_value a, struct cel_value b);

/* Text and time -------------------------------------------------------------------------------- */

/* Appends as string() makes it, and as cel_write_text shows it. */
void cel_text_of_double(struct buf *buf, double value);
void cel_text_of_timestamp(struct buf *buf, struct cel_moment moment);
void cel_text_of_duration(struct buf *buf, int64_t nanos);
bool cel_text_to_timestamp(struct str text, struct cel_moment *out);
bool cel_text_to_duration(struct str text, int64_t *nanos);
bool cel_text_to_double(struct str text, double *out);
void cel_text_add_code_point(struct buf *buf, uint32_t code);
void cel_text_quote(struct buf *buf, struct str text, char quote);

#define MOMENT_MIN INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define MOMENT_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define NANOS      INT64_C(1000000000)

struct civil {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second;
    int weekday; /* 0 is Sunday */
    int yearday; /* from 0 */
};

void cel_civil_of(int64_t seconds, struct civil *out);
int64_t cel_civil_days(int64_t year, int month, int day); /* since 1970-01-01 */

struct zone;
/* A zone by its name ("Europe/Berlin", "UTC", "+02:00"); NULL when there is none. */
struct zone *cel_zone_new(struct str name);
void cel_zone_free(void *zone);
/* Seconds east of UTC at a moment. */
int64_t cel_zone_offset(const struct zone *zone, int64_t seconds);
/* The same for TZif bytes: for tests and fuzzing. */
struct zone *cel_zone_read(struct str bytes);

#endif
