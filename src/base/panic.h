/* SPDX-License-Identifier: Apache-2.0
 *
 * Stopping on the impossible. ASSERT states what we have a proof of; it stays on in release builds and
 * ends the process, which is safe because nothing undurable matters (invariant 1 of ARCHITECTURE.md).
 * Never ASSERT what a client, a file, the clock or a database row can influence: that is an error.
 */
#ifndef FM_BASE_PANIC_H
#define FM_BASE_PANIC_H

/* Prints file, line and sentence to stderr and aborts. Any thread. */
_Noreturn void panic(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define PANIC(...) panic(__FILE__, __LINE__, __VA_ARGS__)
#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            panic(__FILE__, __LINE__, "assertion failed: %s", #condition);                         \
        }                                                                                          \
    } while (0)

#endif
