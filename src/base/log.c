/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators' log: one JSON line per event. A line is built in a bounded buffer and written with one
 * call, so that lines of several threads never mix and no text from outside can forge one.
 */
#include "base/log.h"

#include "base/clock.h"

#include <stdatomic.h>
#include <unistd.h>

static _Atomic enum log_level threshold = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&threshold, level);
}

static void add_text(struct buf *line, struct str text)
{
    buf_add_char(line, '"');
    for (size_t i = 0; i < text.n && i < 300; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7F) {
            buf_printf(line, "\\u%04x", c);
        } else {
            buf_add_char(line, (char)c);
        }
    }
    buf_add_char(line, '"');
}

static void add_field(struct buf *line, const struct log_field *field)
{
    buf_printf(line, ",\"%s\":", field->name);
    switch (field->kind) {
    case LOG_F_INT:
        buf_printf(line, "%lld", (long long)field->number);
        break;
    case LOG_F_TEXT:
        add_text(line, field->text);
        break;
    case LOG_F_ID:
        buf_add_char(line, '"');
        buf_add_id(line, (enum id_kind)field->number, field->id);
        buf_add_char(line, '"');
        break;
    }
}

void log_event(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    AUTO(buf_done) struct buf line = BUF_INIT(8 * KIB);

    if (level < atomic_load(&threshold)) {
        return;
    }
    buf_lit(&line, "{\"at\":\"");
    buf_add_time(&line, clock_now_us());
    buf_printf(&line, "\",\"level\":\"%s\",\"event\":\"%s\"", names[level], event);
    for (size_t i = 0; i < n; i++) {
        add_field(&line, &fields[i]);
    }
    buf_lit(&line, "}\n");
    if (buf_ok(&line)) {
        ssize_t written = write(STDERR_FILENO, line.p, line.n);
        (void)written; /* a closed stderr must not stop the server */
    }
}
