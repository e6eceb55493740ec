/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON Schema, draft 2020-12: compiles a schema once, then tells of any number of values whether
 * they match and, in sentences for people, why not. Nothing is fetched: documents beyond the
 * draft's own metaschemas are those that the caller brings.
 *
 * Numbers are compared as the decimals that they are, never as doubles. Patterns are ECMA-262 in
 * linear time: what needs backtracking is refused when the schema is compiled.
 */
#ifndef FM_JSON_SCHEMA_H
#define FM_JSON_SCHEMA_H

#include "json/json.h"

#define JSON_SCHEMA_NODES_MAX    20000 /* subschemas, those of documents it refers to included */
#define JSON_SCHEMA_ANCHORS_MAX 1000 /* of one `$id` */
#define JSON_SCHEMA_PATTERNS_MAX 200 /* different ones; each costs up to REGEX_MEMORY_MAX in use */
#define JSON_SCHEMA_MEMORY_MAX   (32 * MIB) /* of one compiled schema, patterns aside */
/* Subschemas inside each other while a value is checked: 64 levels of the wire times eight
 * references or applicators on each. About 0.5 KiB of stack per level. */
#define JSON_SCHEMA_DEPTH_MAX 512
/* Steps of one check: a keyword on a value is one, so are 64 bytes of text. Under 50 ms at worst.
 */
#define JSON_SCHEMA_STEPS_MAX  1000000
#define JSON_SCHEMA_ERRORS_MAX CTX_FIELD_ERRORS_MAX

/* A compiled schema. Never changes: any number of threads may check values with it at once. */
struct json_schema;

/* A further document that `$ref` and `$schema` may name. */
struct json_schema_document {
    struct str uri; /* absolute, without fragment */
    const struct json *schema;
};

struct json_schema_options {
    const struct json_schema_document *documents;
    size_t document_count;
    /* Keywords that the draft does not know are refused, with what was probably meant, unless they
     * begin with "x-"; with assert_formats, so are formats that are not known. Else they are
     * ignored, as the draft has it: a typo then checks nothing. */
    bool strict;
    bool assert_formats; /* `format` is checked where it is known (FORMATS of schema_format.c) */
};

/* Compiles `schema` (copied; `options` may be NULL) into `*out`, which the caller frees. Errors:
 * FM_E_INVALID_ARGUMENT with a field error: the pointer of the keyword in the schema, and a
 * sentence that names the keyword; the detail says the same. Refused: malformed keywords,
 * references that lead nowhere or round in a circle, patterns that need backtracking, an unknown
 * `$schema` or required vocabulary, more than a limit above. That of fail_memory when memory is
 * short. Any thread. */
enum fm_err json_schema_new(struct ctx *ctx, const struct json *schema,
                            const struct json_schema_options *options, struct json_schema **out)
    MUST_CHECK;
void json_schema_free(struct json_schema *schema); /* NULL allowed */

/* The schema as it was given, for those who make forms or types of it (`properties`, `required`,
 * ...). Borrowed from `schema`. */
const struct json *json_schema_source(const struct json_schema *schema);

/* What one member of the values of an object schema looks like, for the types of expressions and
 * the fields of forms: found by following `$ref` and the parts of `allOf`. */
struct json_schema_member {
    struct str name;
    const struct json *schema; /* its subschema, references followed; of several, the first */
    bool required;
};

/* The members that the schema names, sorted as JSON has it, at most `max`; returns how many. `at`
 * is a subschema found this way, or NULL for the whole. Borrowed from `schema`. */
size_t json_schema_members(const struct json_schema *schema, const struct json *at,
                           struct json_schema_member *members, size_t max);

/* One way in which a value does not match. */
struct json_schema_error {
    struct str pointer;        /* into the value; for what is missing, where it should be */
    struct str schema_pointer; /* of the keyword, in the document that holds it */
    const char *keyword;       /* "minimum"; "false" for the schema that nothing matches */
    struct str message;        /* "must be at least 0" */
};

/* Checks `value`. FM_OK when it matches; else FM_E_SCHEMA with up to JSON_SCHEMA_ERRORS_MAX
 * errors, which live in ctx->arena, in the order of their use to somebody who mends the value:
 * first what is wrong with a member, then which alternatives failed for that. A check that would
 * take more than JSON_SCHEMA_STEPS_MAX is an error at "". Nothing is put into ctx but for want of
 * memory (that of fail_memory). Any thread. */
enum fm_err json_schema_check(struct ctx *ctx, const struct json_schema *schema,
                              const struct json *value, struct json_schema_error *errors,
                              size_t *count) MUST_CHECK;

/* The same, with the errors in ctx as the wire wants them: FM_E_SCHEMA, pointers below `prefix`
 * ("/arguments"), the first of them in the detail. */
enum fm_err json_schema_require(struct ctx *ctx, const struct json_schema *schema,
                                const struct json *value, struct str prefix) MUST_CHECK;

#endif
