/* SPDX-License-Identifier: Apache-2.0
 *
 * CEL, the Common Expression Language (github.com/google/cel-spec), in C: an environment says what
 * an expression may speak of, a program is an expression that was read and type-checked against it,
 * an activation holds the values of one evaluation. The language is pure and ends always: there are
 * no loops but those over a value that is there already, and each step is paid from a budget.
 *
 * 1. Environment and program never change after they were made: any thread may use them, several at
 *    once. An activation and its arena belong to one thread.
 * 2. An evaluation ends: with a value, with an error, or with an error of its own kind when the
 *    budget or the arena is used up. Within CEL_COST_MAX it takes at most 50 ms (bench/cel.c shows
 *    it).
 * 3. Nothing here reads a clock, the environment of the process, or the network. Time zones come
 *    from the system's files (CEL_ZONES), which are read when a program names one.
 *
 * JSON numbers. The reader of src/json/ keeps every number as a double. CEL tells int, uint and
 * double apart, so that `args.amount * 2` would fail on 74.5. A number out of JSON is therefore of
 * the type `number`: where it meets an int, a uint or a double in arithmetic, the other operand
 * becomes a number too, and the result is a number (75 / 2 is 37.5). It compares with all of them,
 * as CEL does anyway: `args.amount > 50`, `> 50.0`, `== 50` and `in [10, 50]` all check and all
 * work. `%`, indexes, and functions that want an int take it where it has no fraction.
 * type(args.amount) is double, as with google.protobuf.Value. A member that was declared CEL_T_INT
 * (`type: integer` in a schema) is read as an int, and then int arithmetic holds (75 / 2 is 37).
 * A number is always finite: dividing by zero, and what would be infinite or NaN, is an error: a
 * comparison with NaN would not match without a word. double(args.amount) stays a number.
 */
#ifndef FM_CEL_H
#define FM_CEL_H

#include "base/buf.h"
#include "base/ctx.h"
#include "json/json.h"

#define CEL_TEXT_MAX          (16 * KIB) /* bytes of an expression: a page of text is 3 KiB */
#define CEL_DEPTH_MAX         120u       /* nesting; the official suite has 34 */
#define CEL_NODES_MAX         20000u /* operators, operands and calls after macros are expanded */
#define CEL_VARIABLES_MAX     256u   /* of an environment */
#define CEL_ARGUMENTS_MAX     8u     /* of a function of ours */
#define CEL_PATTERNS_MAX      64u    /* literal patterns of one program: each may grow to 1 MiB */
#define CEL_FINDINGS_MAX      16u    /* that one compilation reports */
#define CEL_PROGRAM_BYTES_MAX (8 * MIB) /* memory of one program */
#define CEL_COST_MAX          200000u   /* the budget of one evaluation, in steps: see eval.c */
#define CEL_ZONES             "/usr/share/zoneinfo"

/* Values -----------------------------------------------------------------------------------------
 * A value is small and is passed by value. What it points to lives in an arena or in JSON, and must
 * outlive it. */

enum cel_kind {
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_LIST,
    CEL_MAP,
    CEL_TIMESTAMP,
    CEL_DURATION,
    CEL_TYPE, /* what type(x) gives */
    CEL_OPTIONAL,
    CEL_ERROR /* the evaluation failed; as.error */
};

enum cel_error_kind {
    CEL_FAILED,       /* division by zero, no such key, no such overload, ... */
    CEL_TOO_COSTLY,   /* the budget is used up */
    CEL_OUT_OF_MEMORY /* the arena is full */
};

struct cel_error {
    enum cel_error_kind kind;
    struct str message;
    uint32_t offset; /* where in the expression, in bytes */
};

struct cel_value;
struct cel_list; /* cel/inner.h */
struct cel_map;

/* A moment: seconds since 1970 and 0 to 999,999,999 nanoseconds on top; years 1 to 9999. */
struct cel_moment {
    int64_t seconds;
    int32_t nanos;
};

struct cel_value {
    uint8_t kind; /* enum cel_kind */
    uint8_t form; /* how it is held; for this folder alone, the constructors below set it */
    union {
        bool yes;
        int64_t number; /* CEL_INT; CEL_DURATION in nanoseconds: 292 years */
        uint64_t natural;
        double real;
        struct str text;          /* CEL_STRING, CEL_BYTES, CEL_TYPE */
        struct cel_moment moment; /* CEL_TIMESTAMP */
        const struct cel_list *list;
        const struct cel_map *map;
        const struct json *json;      /* a list or map that is JSON */
        const struct cel_value *some; /* CEL_OPTIONAL; NULL is none */
        const struct cel_error *error;
    } as;
};

/* Constructors. Texts, items and trees are borrowed. */
struct cel_value cel_null(void);
struct cel_value cel_bool(bool yes);
struct cel_value cel_int(int64_t number);
struct cel_value cel_uint(uint64_t natural);
struct cel_value cel_double(double real);
struct cel_value cel_number(double real);     /* as if it came from JSON, see above */
struct cel_value cel_string(struct str text); /* UTF-8; absent is the empty string */
struct cel_value cel_bytes(struct str bytes);
struct cel_value cel_timestamp_us(int64_t at_us);
struct cel_value cel_duration_us(int64_t duration_us);
struct cel_value cel_json(const struct json *json); /* any JSON, not copied; NULL is null */

/* A list of values that live as long as it, and a map from strings to values. Both take a header of
 * some bytes from the arena; CEL_ERROR (out of memory) when it is full. */
struct cel_value cel_list(struct arena *arena, const struct cel_value *items, size_t count);
struct cel_value cel_map(struct arena *arena, const struct str *names,
                         const struct cel_value *values, size_t count);

/* Reading. The number of items, members, bytes (CEL_BYTES) or code points (CEL_STRING); else 0. */
size_t cel_size(struct cel_value value);
/* The item of a list, the i-th key or value of a map; `index` is below cel_size. */
struct cel_value cel_item(struct cel_value list, size_t index);
struct cel_value cel_key_at(struct cel_value map, size_t index);
struct cel_value cel_value_at(struct cel_value map, size_t index);
/* The member of a map under a name; false when there is none. */
bool cel_member(struct cel_value map, struct str name, struct cel_value *out);
/* Whether both are equal as `==` says, across numeric types. Neither is an error. Beyond 10 million
 * comparisons they are not. */
bool cel_equal(struct cel_value a, struct cel_value b);
/* A number of any kind as a double; false for anything else. */
bool cel_to_double(struct cel_value value, double *out);
/* Microseconds of a timestamp or duration, towards the past; saturates. */
int64_t cel_microseconds(struct cel_value value);

/* Appends the value as JSON for display: what JSON lacks becomes text. Timestamps are RFC 3339,
 * durations "3600s", bytes base64, types their names, optionals their value or null, integers
 * beyond 2^53 and numbers that are not finite strings; map keys become strings. Errors are
 * {"error": message}. */
void cel_write_json(struct buf *buf, struct cel_value value);
/* The same as the next value of a larger text. */
void cel_write_json_value(struct json_out *out, struct cel_value value);

/* Appends the value as it would stand in an expression: 'text', b'\377', [1, 2u, 3.0], {'a': 1},
 * timestamp('2026-11-22T10:24:35Z'), duration('1.5s'). For people and for tests. */
void cel_write_text(struct buf *buf, struct cel_value value);

/* Types ---------------------------------------------------------------------------------------- */

enum cel_type_kind {
    CEL_T_DYN, /* unknown until run time: everything is allowed */
    CEL_T_NULL,
    CEL_T_BOOL,
    CEL_T_INT,
    CEL_T_UINT,
    CEL_T_DOUBLE,
    CEL_T_NUMBER, /* of JSON: int, uint or double, see above */
    CEL_T_STRING,
    CEL_T_BYTES,
    CEL_T_TIMESTAMP,
    CEL_T_DURATION,
    CEL_T_LIST,
    CEL_T_MAP,
    CEL_T_TYPE,
    CEL_T_OPTIONAL,
    CEL_T_OBJECT, /* a map whose members are declared */
    CEL_T_OPAQUE, /* a name and parameters, of no kind that we know */
    CEL_T_VAR     /* a type parameter, inside this folder */
};

struct cel_type;
struct cel_env;

/* A type without parameters: one of CEL_T_DYN to CEL_T_DURATION. Static. */
const struct cel_type *cel_type(enum cel_type_kind kind);
/* Types with parameters, in the environment's memory; NULL when memory is short. */
const struct cel_type *cel_type_list(struct cel_env *env, const struct cel_type *item);
const struct cel_type *cel_type_map(struct cel_env *env, const struct cel_type *key,
                                    const struct cel_type *value);
const struct cel_type *cel_type_optional(struct cel_env *env, const struct cel_type *of);
/* A type that is told apart by its name alone, with parameters; at most CEL_ARGUMENTS_MAX. */
const struct cel_type *cel_type_opaque(struct cel_env *env, struct str name,
                                       const struct cel_type *const *parameters, size_t count);
/* The type parameter number `index`, 0 to 7, of a generic function's signature. */
const struct cel_type *cel_type_parameter(size_t index);

/* An object: its declared members only, unless it is open, where other members are dyn. Filled by
 * cel_object_add before it is used; the name is for messages ("args of refund.issue"). */
struct cel_type *cel_type_object(struct cel_env *env, struct str name, bool open);

enum cel_member_flag {
    CEL_MEMBER_REQUIRED = 0,
    CEL_MEMBER_OPTIONAL = 1, /* must be guarded: has(args.x) && ..., has(args.x) ? ... , args.?x */
    CEL_MEMBER_EMPTY = 2     /* where absent it reads as the empty value of its type ("", [], {}, 0,
                              * false); has() still tells */
};

/* Adds a member; the name is copied. False when memory is short. A name that stands already gets
 * the new type. */
bool cel_object_add(struct cel_env *env, struct cel_type *object, struct str name,
                    const struct cel_type *type, enum cel_member_flag flag) MUST_CHECK;

/* Appends the type's name: "list(string)". */
void cel_type_write(struct buf *buf, const struct cel_type *type);

/* Environment ------------------------------------------------------------------------------------
 * Made and filled by one thread, then constant. Programs borrow it: it outlives them. */

/* With the standard functions, macros, and the extensions strings, math, encoders, optional values,
 * bindings, two-variable comprehensions. NULL when memory is short. */
struct cel_env *cel_env_new(void) __attribute__((warn_unused_result));
void cel_env_free(struct cel_env *env); /* NULL is allowed */
static inline void cel_env_done(struct cel_env **env)
{
    cel_env_free(*env);
}

/* Declares a variable, whose name may be dotted ("a.b"), and returns its number for cel_set; -1
 * when memory is short or there are CEL_VARIABLES_MAX. Declared again, it gets the new type and
 * keeps its number. */
int cel_env_add(struct cel_env *env, struct str name, const struct cel_type *type) MUST_CHECK;

/* The number of a variable; -1 when it is not declared. */
int cel_env_find(const struct cel_env *env, struct str name);

/* One call of a function of ours. */
struct cel_call {
    struct arena *arena; /* for the result: the evaluation's, of a lazy variable the activation's */
    void *of_activation; /* what cel_activation_new was given */
    struct cel_eval *eval;
};

/* Computes a call. The arguments (the receiver first) are of the declared kinds, or of any where
 * the declaration says dyn, and never errors. Returns the value or cel_fail(). */
typedef struct cel_value cel_call_fn(struct cel_call *call, void *with,
                                     const struct cel_value *args, size_t count);

/* An evaluation error with a sentence, for a function to return. */
struct cel_value cel_fail(struct cel_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Pays `steps` beyond the function's declared cost; false when the budget is used up, then return
 * cel_fail (its error is that of the budget). A step is about the work of comparing 16 bytes. */
bool cel_charge(struct cel_call *call, uint64_t steps) MUST_CHECK;

struct cel_function {
    struct str name; /* may be dotted: "text.mentions" */
    bool receiver;   /* called as args[0].name(args[1], ...) */
    bool varies;     /* its result depends on more than its arguments: not computed ahead */
    const struct cel_type *args[CEL_ARGUMENTS_MAX]; /* NULL ends them */
    const struct cel_type *result;
    cel_call_fn *call;
    void *with;
    uint32_t cost; /* steps of one call */
};

/* Declares a function; one more of the same name is one more overload (told apart by its
 * arguments). False when memory is short, or the name is one of a standard function. */
bool cel_env_add_function(struct cel_env *env, const struct cel_function *function) MUST_CHECK;

/* Names are looked up in this container first ("a.b"); and without `check` types are not checked
 * ahead (what does not fit fails at run time). Both are for tests of the language. */
bool cel_env_set_container(struct cel_env *env, struct str container) MUST_CHECK;
void cel_env_set_check(struct cel_env *env, bool check);

struct cel_activation;

/* Names (also of members of an object, "agent.labels", and of functions) that nothing declares, and
 * the sentence that says so in place of "there is no params here". The table ends in {0} and
 * outlives the environment. */
struct cel_reserved {
    struct str name, why;
};
void cel_env_reserve(struct cel_env *env, const struct cel_reserved *names);

/* Programs that are compiled from now on hold for the values alone that are set in the activation
 * (of this environment; borrowed until it is replaced, NULL ends it): what these decide is not
 * looked at again, such as args.x in `action.name == "a" && args.x > 1` of another action.
 * Variables that are not set may be anything. */
void cel_env_assume(struct cel_env *env, struct cel_activation *activation);

/* Programs ------------------------------------------------------------------------------------- */

/* What is wrong with an expression, and where. Lines and columns (code points) count from 1. */
struct cel_finding {
    uint32_t line, column, offset;
    struct str message;    /* "there is no member amout in args" */
    struct str suggestion; /* "amount", or absent */
};

struct cel_findings {
    size_t count;
    struct cel_finding items[CEL_FINDINGS_MAX];
};

/* Appends `1:6: MESSAGE; did you mean amount?`, the line of `text`, and a caret below the place.
 * Long lines are cut around it. The bytes are those of the text: escape them for a terminal. */
void cel_finding_write(struct buf *buf, struct str text, const struct cel_finding *finding);

/* Sets line and column from the offset. */
void cel_finding_place(struct str text, struct cel_finding *finding);

/* What the expression must give. What is only known at run time (dyn) is checked there. */
enum cel_want { CEL_WANT_ANY, CEL_WANT_BOOL, CEL_WANT_STRING, CEL_WANT_NUMBER };

struct cel_program;

/* Reads, checks and prepares `text` (copied). `findings` (may be NULL) are set in any case and live
 * in ctx->arena. Errors: FM_E_INVALID_ARGUMENT with the first finding as detail ("1:6: ..."); that
 * of fail_memory. The caller frees the program with cel_program_free. Any thread. */
enum fm_err cel_compile(struct ctx *ctx, const struct cel_env *env, struct str text,
                        enum cel_want want, struct cel_findings *findings, struct cel_program **out)
    MUST_CHECK;
void cel_program_free(struct cel_program *program); /* NULL is allowed */
static inline void cel_program_done(struct cel_program **program)
{
    cel_program_free(*program);
}

/* Its text, and the type of its result. */
struct str cel_program_text(const struct cel_program *program);
const struct cel_type *cel_program_type(const struct cel_program *program);

/* Whether it reads a variable, or calls a function (by its declared name, "mentions", "matches").
 */
bool cel_program_reads(const struct cel_program *program, struct str variable);
bool cel_program_calls(const struct cel_program *program, struct str function);

/* The i-th variable that it reads, or function that it calls (operators such as "_&&_" not among
 * them); absent from the end on. */
struct str cel_program_variable(const struct cel_program *program, size_t index);
struct str cel_program_function(const struct cel_program *program, size_t index);

/* Appends the checked tree, one node a line with its type. */
void cel_program_write(struct buf *buf, const struct cel_program *program);

/* Evaluation ----------------------------------------------------------------------------------- */

/* The values of one evaluation or of several: all variables of `env`, not yet set. Lives in the
 * arena; NULL when it is full. `of_activation` is handed to functions. */
struct cel_activation *cel_activation_new(const struct cel_env *env, struct arena *arena,
                                          void *of_activation);

/* Sets the variable of that number (of cel_env_add or cel_env_find). */
void cel_set(struct cel_activation *activation, int variable, struct cel_value value);

/* Computes a variable when an expression first reads it; the value is kept, an error is not. What
 * the value needs comes from call->arena, which is the activation's here. */
typedef struct cel_value cel_lazy_fn(struct cel_call *call, void *with);
void cel_set_lazy(struct cel_activation *activation, int variable, cel_lazy_fn *compute,
                  void *with);

struct cel_result {
    struct cel_value value;    /* CEL_ERROR where it failed */
    enum cel_error_kind error; /* of what kind */
    struct str message;        /* "1:8: division by zero"; absent where there is a value */
    uint64_t cost;             /* steps paid */
};

/* Evaluates within `budget` steps (0 is CEL_COST_MAX). Memory comes from `arena`, where the
 * value lives too. Whether it failed is value.kind == CEL_ERROR. */
struct cel_result cel_eval(const struct cel_program *program, struct cel_activation *activation,
                           struct arena *arena, uint64_t budget);

/* A sub-expression and its value: "args.amount" and 74.5. */
struct cel_fact {
    struct str text; /* borrowed from the program */
    struct cel_value value;
};

/* Why a condition gave what it gave: evaluates again, follows what decided (of a true `&&` both
 * sides, of a false one the first false side, of a true `||` the first true side, of `?:` the
 * condition and the branch taken, of exists and all the item that decided, as "p = ..."), and
 * lists the operands that are not constants, each once. At most `max`; returns how many. Costs
 * as much as the evaluation, from the same kind of budget. */
size_t cel_explain(const struct cel_program *program, struct cel_activation *activation,
                   struct arena *arena, uint64_t budget, struct cel_fact *facts, size_t max);

#endif
