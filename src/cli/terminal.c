/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes to the terminal, made safe: a name or a message must not be able to move the cursor, set the
 * title, write into the clipboard, or look like something that it is not.
 */
#include "cli/cli.h"

#include "base/unicode.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <uniwidth.h>

#define SAFE_TEXT_MAX (1 * MIB)
#define COLUMNS_DEFAULT 100 /* of what is no terminal */
#define COLUMNS_MIN     40

static int columns_of(struct str text);

/* Length of the character at the start of `text`, 0 when it is not UTF-8. */
static size_t character_size(struct str text)
{
    for (size_t n = 1; n <= 4 && n <= text.n; n++) {
        if (str_is_utf8((struct str){text.p, n})) {
            return n;
        }
    }
    return 0;
}

static void write_escape(struct buf *buf, unsigned code)
{
    buf_printf(buf, "\\u{%X}", code);
}

static void write_name(struct buf *buf, unsigned code)
{
    buf_printf(buf, "[U+%04X]", code);
}

/* `write` stands in for a character that is not safe. */
static void escape(struct buf *buf, struct str text, void (*write)(struct buf *buf, unsigned code))
{
    while (text.n > 0) {
        size_t n = character_size(text), at = 0;
        uint32_t code = n ? str_next_code_point(text, &at) : 0;

        if (n == 0) {
            buf_printf(buf, "\\x%02x", (unsigned char)text.p[0]);
        } else if (code_point_is_visible(code)) {
            buf_add(buf, (struct str){text.p, n});
        } else {
            write(buf, code);
        }
        text = str_skip(text, n ? n : 1);
    }
}

void cli_escape(struct buf *buf, struct str text)
{
    escape(buf, text, write_escape);
}

void cli_escape_shown(struct buf *buf, struct str text)
{
    escape(buf, text, write_name);
}

size_t cli_next_character(struct str text)
{
    size_t n = character_size(text);

    return n ? n : 1;
}

int cli_columns(struct str text)
{
    return columns_of(text);
}

int cli_terminal_columns(void)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN;

    return known ? size.ws_col : COLUMNS_DEFAULT;
}

struct str cli_safe(struct ctx *ctx, struct str text)
{
    AUTO(buf_done) struct buf safe = BUF_INIT(SAFE_TEXT_MAX);
    struct str copy;

    cli_escape(&safe, text);
    copy = arena_copy(ctx->arena, buf_str(&safe));
    return copy.p ? copy : S("(out of memory)");
}

int cli_failed(const struct cli_common *common, struct ctx *ctx)
{
    AUTO(buf_done) struct buf line = BUF_INIT(64 * KIB);
    struct json_out out = JSON_OUT(&line);
    struct str detail = ctx->detail[0] ? str_of(ctx->detail) : err_title(ctx->err);
    struct str safe = cli_safe(ctx, detail);

    if (!common->json) {
        fprintf(stderr, "fermata: %.*s\n", STR_ARG(safe));
        return CLI_FAILED;
    }
    jo_object(&out);
    jo_m_str(&out, "detail", str_is_utf8(detail) ? detail : safe);
    jo_m_str(&out, "name", err_name(ctx->err));
    jo_m_int(&out, "status", err_status(ctx->err));
    jo_object_end(&out);
    fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&line)));
    return CLI_FAILED;
}

void cli_print_answer(const struct json *answer)
{
    AUTO(buf_done) struct buf line = BUF_INIT(64 * MIB);
    struct json_out out = JSON_OUT(&line);

    jo_object(&out);
    for (uint32_t i = 0; i < answer->count; i++) {
        const struct json_member *member = &answer->as.members[i];
        if (!str_eq(member->name, S("ok"))) {
            jo_key_str(&out, member->name);
            jo_value(&out, &member->value);
        }
    }
    jo_object_end(&out);
    printf("%.*s\n", STR_ARG(buf_str(&line)));
}

/* Columns that a text takes; wide characters take two. */
static int columns_of(struct str text)
{
    return text.n ? u8_width((const uint8_t *)text.p, text.n, "UTF-8") : 0;
}

void cli_print_table(struct ctx *ctx, const struct str *cells, size_t rows, size_t columns)
{
    int widths[16] = {0};

    columns = columns < COUNT_OF(widths) ? columns : COUNT_OF(widths);
    for (size_t i = 0; i < rows * columns; i++) {
        int width = columns_of(cli_safe(ctx, cells[i]));
        widths[i % columns] = width > widths[i % columns] ? width : widths[i % columns];
    }
    for (size_t i = 0; i < rows * columns; i++) {
        struct str cell = cli_safe(ctx, cells[i]);
        bool is_last = i % columns + 1 == columns;
        int gap = is_last ? 0 : widths[i % columns] - columns_of(cell) + 2;

        printf("%.*s%*s%s", STR_ARG(cell), gap, "", is_last ? "\n" : "");
    }
}
