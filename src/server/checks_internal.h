/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the checks share: saying how one went, and the checks that both sides make.
 */
#ifndef FM_SERVER_CHECKS_INTERNAL_H
#define FM_SERVER_CHECKS_INTERNAL_H

#include "server/checks.h"

/* Below the first, writes may fail any minute; below the second, somebody should look. */
#define DISK_FREE_FAILED    (64 * (int64_t)MIB)
#define DISK_FREE_WARNING   (1024 * (int64_t)MIB)
#define FILES_WANTED        4096 /* connections and parked waits are files */
#define FILES_SPARE_WARNING 512
#define CLOCK_BEHIND_US     (5 * SECOND_US) /* behind the newest log entry */

/* Each sets the level and one sentence; the last two also what to do next. */
void check_ok(struct check_result *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void check_warns(struct check_result *out, const char *next, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void check_fails(struct check_result *out, const char *next, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Room on the file system of `dir`; limit of open files (`in_use` -1: not to be judged); that
 * every queue has somebody who may decide. */
void check_disk(const char *dir, struct check_result *out);
void check_files(int64_t in_use, struct check_result *out);
void check_queues(const struct policy *policy, struct check_result *out);

#endif
