/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs about people, agents, keys and pauses share: one request of the admin socket,
 * its answer, and lists as tables.
 */
#ifndef FM_CLI_ASK_H
#define FM_CLI_ASK_H

#include "cli/cli.h"
#include "people/people.h"

#define ARENA_BYTES_MAX (128 * MIB) /* the longest list as a tree */
#define ASK_BYTES_MAX   (64 * KIB)

#define NOT_UTF8 "a name that is not UTF-8"

/* Memory and context of one command. */
struct work {
    struct arena *arena;
    struct ctx ctx;
};

/* Makes them; false (told on stderr) when memory is short. */
bool work_begin(struct work *work);
void work_done(struct work *work);

/* A request under construction: {"command": NAME, "arguments": {... Wiped when done: it may hold a
 * password. */
struct ask {
    struct buf text;
    struct json_out out;
};

#define ASK_INIT                                                                                   \
    {                                                                                              \
        .text = BUF_INIT(ASK_BYTES_MAX)                                                            \
    }

/* Begins, adds an array of values, wipes and frees. */
void ask_begin(struct ask *ask, const char *command);
void ask_values(struct ask *ask, const char *name, const struct cli_values *values);
void ask_done(struct ask *ask);

/* Ends the request, has it carried out, and with --json prints the answer: `*answer` is NULL
 * then, and the verb is done with the returned code. */
int ask_send(struct work *work, const struct cli_common *common, enum cli_folder folder,
             struct ask *ask, const struct json **answer);

/* A text of the answer, safe for the terminal; "lead, reviewer" of an array. */
struct str shown(struct work *work, const struct json *answer, const char *name);
struct str joined(struct work *work, const struct json *array);

/* A column: its heading, and how its cell comes from an item. */
struct column {
    const char *heading;
    struct str (*cell)(struct work *work, const struct json *item);
};

/* The cells that every list has. */
struct str cell_name(struct work *work, const struct json *item);
struct str cell_id(struct work *work, const struct json *item);

/* Prints items as a table; returns an exit code. */
int list_print(struct work *work, const struct json *items, const struct column *columns,
               size_t column_count);
/* The whole of a verb that lists. `none` is what to say of an empty list. */
int list_run(const struct cli_usage *usage, int argc, char **argv, const char *command,
             const struct column *columns, size_t column_count, const char *none);

/* Verbs of `user` and `key` in access.c. */
int run_key_list(int argc, char **argv);
int run_user_reset(int argc, char **argv);
int run_user_roles(int argc, char **argv);
int run_user_deactivate(int argc, char **argv);
int run_user_reactivate(int argc, char **argv);
int run_user_review(int argc, char **argv);

#endif
