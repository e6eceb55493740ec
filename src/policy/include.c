/* SPDX-License-Identifier: Apache-2.0
 *
 * `include`: a policy in several files is one text, of a document for each: the main one first,
 * then those that it includes, in their order, each after a line `---`. So it is stored, shown,
 * compared and proposed as a whole, and nothing but the reader of a file ever opens another.
 *
 * It must never let a part say what belongs to the whole (defaults, limits, what unknown actions
 * are), and never let one part overrule another: a name that comes twice is refused.
 *
 * 1. After tree_join the tree is that of the same policy in one file, and so is its version.
 */
#include "policy/inner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 255

/* What a part may have. Maps are joined by their keys, lists in their order. */
static const struct section {
    const char *name;
    enum node_kind kind;
} SECTIONS[] = {
    {"actions", NODE_MAP}, {"agents", NODE_MAP},      {"lexicons", NODE_MAP},
    {"queues", NODE_MAP},  {"rules", NODE_LIST},      {"budgets", NODE_LIST},
    {"tests", NODE_LIST},  {"recipients", NODE_LIST},
};

static const struct section *section_of(struct str name)
{
    for (size_t i = 0; i < COUNT_OF(SECTIONS); i++) {
        if (str_eq(name, str_of(SECTIONS[i].name))) {
            return &SECTIONS[i];
        }
    }
    return NULL;
}

/* Names ---------------------------------------------------------------------------------------- */

/* A file in the folder of the including one or below: a policy is what lies in its folder. */
static bool is_name(struct str name)
{
    struct str rest = name;

    if (name.n == 0 || name.n > NAME_MAX_BYTES || name.p[0] == '/') {
        return false;
    }
    while (rest.p) {
        struct str step = str_split(&rest, '/');
        if (step.n == 0 || str_eq(step, S("..")) || str_eq(step, S("."))) {
            return false;
        }
    }
    return true;
}

/* The list of names under `include`; NULL when there is none, or none that can be followed. */
static const struct node *names_of(struct load *load, const struct node *root)
{
    const struct node *list = node_find(root, S("include"));
    size_t errors = load->error_count;

    if (!list || list->kind == NODE_REFUSED || node_is_empty(list)) {
        return NULL;
    }
    if (list->kind != NODE_LIST || list->count > POLICY_INCLUDES_MAX) {
        finding_error(load, list->at, "include wants a list of at most %d files",
                      POLICY_INCLUDES_MAX);
        return NULL;
    }
    for (const struct node *item = list->first; item; item = item->next) {
        if (item->kind != NODE_REFUSED && (item->kind != NODE_TEXT || !is_name(item->text))) {
            finding_error(load, item->at,
                          "include wants files in the folder of this one or below, such as "
                          "rules/refunds.yaml");
        }
    }
    return load->error_count == errors && !node_has_refused(list) ? list : NULL;
}

/* Joining -------------------------------------------------------------------------------------- */

static struct node *child_of(struct node *map, struct str key)
{
    for (struct node *child = map->first; child; child = child->next) {
        if (str_eq(child->key, key)) {
            return child;
        }
    }
    return NULL;
}

static void append(struct node *to, struct node *first, size_t count)
{
    struct node **link = &to->first;

    while (*link) {
        link = &(*link)->next;
    }
    *link = first;
    to->count += count;
}

/* Puts the entries of a part's section behind those that are there. */
static void join_section(struct load *load, struct node *root, struct node *section,
                         enum node_kind kind)
{
    struct node *into = child_of(root, section->key);

    if (section->kind == NODE_REFUSED || node_is_empty(section)) {
        return;
    }
    if (section->kind != kind) {
        finding_error(load, section->at, "%s wants a %s", quoted(load, section->key),
                      kind == NODE_MAP ? "map of keys and values" : "list");
    } else if (!into) {
        append(root, section, 1);
    } else if (node_is_empty(into)) {
        into->kind = section->kind;
        append(into, section->first, section->count);
    } else if (into->kind == section->kind) { /* else the main file's own mistake, told there */
        append(into, section->first, section->count);
    }
}

static void join_part(struct load *load, struct node *root, struct node *part)
{
    struct node *entry = part->first, *next;

    if (part->kind != NODE_MAP) {
        if (part->kind != NODE_REFUSED && !node_is_nothing(part)) {
            finding_error(load, part->at, "a file that is included is a map of sections: `rules:`");
        }
        return;
    }
    for (; entry; entry = next) {
        const struct section *section = section_of(entry->key);
        next = entry->next;
        entry->next = NULL;
        if (section) {
            join_section(load, root, entry, section->kind);
        } else if (entry->kind != NODE_REFUSED) {
            finding_error(load, entry->key_at,
                          "%s cannot stand in a file that is included, only actions, agents, "
                          "lexicons, queues, rules, budgets, tests and recipients",
                          quoted(load, entry->key));
        }
    }
}

/* Takes the key out: the policy is the same as if it were written in one file. */
static void drop_include(struct node *root)
{
    for (struct node **link = &root->first; *link; link = &(*link)->next) {
        if (str_eq((*link)->key, S("include"))) {
            *link = (*link)->next;
            root->count--;
            return;
        }
    }
}

static bool close_maps(struct load *load, struct node *root)
{
    for (struct node *child = root->first; child; child = child->next) {
        if (child->kind == NODE_MAP && !tree_close(load, child)) {
            return false;
        }
    }
    return tree_close(load, root);
}

bool tree_join(struct load *load, struct node *root, struct node *const *parts, size_t count)
{
    bool includes = root->kind == NODE_MAP && node_find(root, S("include"));
    const struct node *names = includes ? names_of(load, root) : NULL;
    const struct node *name = names ? names->first : NULL;
    size_t wanted = names ? names->count : 0;

    if (count > wanted) {
        finding_error(load, parts[wanted]->at,
                      "another document begins here: a policy is one document, and one more for "
                      "each file under `include`");
        return true;
    }
    for (size_t i = 0; i < count; i++, name = name->next) {
        join_part(load, root, parts[i]);
    }
    for (; name; name = name->next) {
        finding_error(load, name->at,
                      "%s is not here: in a text, what is included follows as further documents, "
                      "each after a line ---",
                      quoted(load, name->text));
    }
    if (includes) { /* until it is closed, the tree cannot be searched */
        drop_include(root);
        return close_maps(load, root);
    }
    return true;
}

/* Files ---------------------------------------------------------------------------------------- */

static void file_scope_end(FILE **file)
{
    if (*file) {
        fclose(*file);
    }
}

/* Reads until the whole is larger than a policy may be: then the parser says that it is. */
enum fm_err policy_file_read(struct ctx *ctx, const char *path, struct buf *out)
{
    AUTO(file_scope_end) FILE *file = fopen(path, "rbe");
    char chunk[16 * KIB];
    size_t n;

    if (!file) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
    }
    while (out->n <= POLICY_BYTES_MAX && (n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_add(out, (struct str){chunk, n});
    }
    if (ferror(file)) {
        return fail(ctx, FM_E_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
    }
    return buf_ok(out) ? FM_OK : fail_memory(ctx);
}

static unsigned count_lines(struct str text)
{
    unsigned lines = 0;

    for (size_t i = 0; i < text.n; i++) {
        lines += text.p[i] == '\n';
    }
    return lines;
}

/* Whether the text begins its document itself, by a line `---` behind nothing but comments. */
static bool begins_document(struct str text)
{
    while (text.p) {
        struct str line = str_split(&text, '\n');
        if (line.n > 0 && line.p[0] != '#' && line.p[0] != '\r') {
            return str_starts(line, S("---"));
        }
    }
    return false;
}

/* Reads the file under `name` behind what is there, and notes where it begins. */
static enum fm_err append_part(struct load *load, struct str folder, struct str name,
                               struct buf *out)
{
    AUTO(buf_done) struct buf own = BUF_INIT(POLICY_BYTES_MAX + 32 * KIB);
    struct str path = arena_printf(load->ctx->arena, "%.*s%.*s", STR_ARG(folder), STR_ARG(name));
    struct str text;

    if (!path.p) {
        return fail_memory(load->ctx);
    }
    TRY(policy_file_read(load->ctx, path.p, &own));
    text = str_starts(buf_str(&own), BYTE_ORDER_MARK) ? str_skip(buf_str(&own), 3) : buf_str(&own);
    buf_add(out, out->n > 0 && out->p[out->n - 1] != '\n' ? S("\n") : S(""));
    buf_add(out, begins_document(text) ? S("") : S("---\n"));
    load->parts[load->part_count++] = (struct policy_part){path, count_lines(buf_str(out))};
    if (out->n <= POLICY_BYTES_MAX) { /* else it is too large already, and the parser says so */
        buf_add(out, text);
    }
    return buf_ok(out) ? FM_OK : fail_memory(load->ctx);
}

enum fm_err include_read(struct load *load, const char *path, struct buf *out)
{
    const char *slash = strrchr(path, '/');
    struct str folder = {path, slash ? (size_t)(slash - path) + 1 : 0};
    struct load peek = {.ctx = load->ctx, .scratch = load->scratch, .peeks = true};
    const struct node *root, *names;

    TRY(policy_file_read(load->ctx, path, out));
    root = tree_read(&peek, buf_str(out));
    names = root && root->kind == NODE_MAP ? names_of(&peek, root) : NULL;
    for (const struct node *item = names ? names->first : NULL; item; item = item->next) {
        TRY(append_part(load, folder, item->text, out));
    }
    return peek.memory_short ? fail_memory(load->ctx) : FM_OK;
}

struct policy_place place_of(const struct load *load, struct mark at)
{
    struct policy_place place = {STR_NONE, at.line, at.column};

    for (size_t i = 0; i < load->part_count && load->parts[i].lines_before < at.line; i++) {
        place.file = load->parts[i].file;
        place.line = at.line - load->parts[i].lines_before;
    }
    return place;
}

const char *line_words(struct load *load, struct mark at)
{
    struct policy_place place = place_of(load, at);
    struct str words = place.file.p
                           ? arena_printf(load->scratch, "%.*s:%u", STR_ARG(place.file), place.line)
                           : arena_printf(load->scratch, "line %u", place.line);

    return words.p ? words.p : "a line above";
}
