/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators' log: one JSON line per event on stderr, with stable dotted event names and typed
 * fields. Never payloads, secrets or personal data: the audit log is the truth, this is for running
 * the server. Any thread.
 */
#ifndef FM_BASE_LOG_H
#define FM_BASE_LOG_H

#include "base/id.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name;
    enum { LOG_F_INT, LOG_F_TEXT, LOG_F_ID } kind;
    int64_t number; /* or the id_kind of an id */
    struct str text;
    struct id id;
};

#define F_INT(name, value) ((struct log_field){name, LOG_F_INT, (int64_t)(value), STR_NONE, {{0}}})
#define F_TEXT(name, value) ((struct log_field){name, LOG_F_TEXT, 0, value, {{0}}})
#define F_ID(name, kind, value) ((struct log_field){name, LOG_F_ID, kind, STR_NONE, value})

/* Below this level nothing is printed. Default LOG_INFO. Set once at start. */
void log_set_level(enum log_level level);

/* Writes one line of JSON to stderr; the macros below call it. `event` is a dotted name. Any
 * thread. */
void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n);

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__})
#define LOG_(level, event, ...)                                                                    \
    log_event(level, event, LOG_FIELDS(__VA_ARGS__),                                               \
              sizeof(LOG_FIELDS(__VA_ARGS__)) / sizeof(struct log_field))
#define log_info(event, ...) LOG_(LOG_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) LOG_(LOG_WARN, event, __VA_ARGS__)
#define log_error(event, ...) LOG_(LOG_ERROR, event, __VA_ARGS__)

#endif
