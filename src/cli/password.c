/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a password from stdin. On a terminal it asks, and the terminal shows nothing meanwhile; it
 * must never be left like that, also when the reader gives up with Ctrl-C.
 */
#include "cli/cli.h"
#include "people/people.h"

#include <errno.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#define ROOM (PASSWORD_MAX + 3) /* and CR, LF, and one byte that is too many */

/* Up to `room` bytes: until the end of the input, or of the line on a terminal. */
static ssize_t read_input(char *out, size_t room)
{
    size_t n = 0;

    while (n < room) {
        ssize_t got = read(STDIN_FILENO, out + n, room - n);
        if (got < 0) {
            return -1;
        }
        n += (size_t)got;
        if (got == 0 || (isatty(STDIN_FILENO) && out[n - 1] == '\n')) {
            break;
        }
    }
    return (ssize_t)n;
}

static void note_signal(int signal_number)
{
    (void)signal_number; /* it only has to interrupt read() */
}

/* Asks on a terminal that does not echo. -1 with EINTR: given up. */
static ssize_t ask(char *out, size_t room)
{
    struct sigaction interrupting = {.sa_handler = note_signal}, old; /* no SA_RESTART */
    struct termios shown, hidden;
    ssize_t n;
    int why;

    if (tcgetattr(STDIN_FILENO, &shown) != 0) {
        return -1;
    }
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fputs("Password (it is not shown): ", stderr);
    sigaction(SIGINT, &interrupting, &old);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    n = read_input(out, room);
    why = errno;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    sigaction(SIGINT, &old, NULL);
    fputs("\n", stderr);
    errno = why;
    return n;
}

/* Without the one line end that `echo` and an editor put behind it. */
static struct str without_line_end(struct str text)
{
    if (text.n > 0 && text.p[text.n - 1] == '\n') {
        text.n--;
        if (text.n > 0 && text.p[text.n - 1] == '\r') {
            text.n--;
        }
    }
    return text;
}

enum fm_err cli_read_password(struct ctx *ctx, struct str *out)
{
    char *room = arena_alloc(ctx->arena, ROOM);
    ssize_t n;

    if (!room) {
        return fail_memory(ctx);
    }
    n = isatty(STDIN_FILENO) ? ask(room, ROOM) : read_input(room, ROOM);
    if (n < 0) {
        crypto_wipe(room, ROOM);
        return fail(ctx, FM_E_INVALID_ARGUMENT, "no password was read: %s", strerror(errno));
    }
    *out = without_line_end((struct str){room, (size_t)n});
    if (out->n == 0 || out->n > PASSWORD_MAX || str_find(*out, '\n') < out->n) {
        crypto_wipe(room, ROOM);
        return fail(ctx, FM_E_INVALID_ARGUMENT,
                    "a password is one line of %d characters or more, at most %d bytes", PASSWORD_MIN,
                    PASSWORD_MAX);
    }
    return FM_OK;
}
