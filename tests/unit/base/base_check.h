/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of base share: seeded random numbers, and seeing that a call ends the process.
 */
#ifndef FM_BASE_CHECK_H
#define FM_BASE_CHECK_H

#include "../check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* xorshift64*: the same seed gives the same run; a failing row prints its seed. */
static inline uint64_t draw(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

/* Whether `act` ends the process by abort(). It runs in a child without core dump and with stderr
 * closed, so that the expected panic does not look like a failure of the test. */
static inline bool check_panics(void (*act)(void *with), void *with)
{
    int status = 0;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)dup2(quiet, STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        act(with);
        _exit(0);
    }
    return child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
           WTERMSIG(status) == SIGABRT;
}

#endif
