/* SPDX-License-Identifier: Apache-2.0
 *
 * Stopping on the impossible.
 */
#include "base/panic.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void panic(const char *file, int line, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "fermata: panic at %s:%d: ", file, line);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    abort();
}
