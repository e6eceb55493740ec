/* SPDX-License-Identifier: Apache-2.0
 *
 * What the system says about this process and its folder. Nothing here can fail: what cannot be
 * read is 0, or -1 where 0 would mean something.
 */
#ifndef FM_SERVER_PROCESS_H
#define FM_SERVER_PROCESS_H

#include "base/str.h"

struct process_usage {
    int64_t resident_bytes, cpu_us, open_files, open_files_max;
};

void process_usage(struct process_usage *out);
int64_t process_file_bytes(const char *dir, const char *name);
int64_t process_free_bytes(const char *dir); /* for this user; -1: unknown */
/* Whether the kernel believes the wall clock to be synchronised; true when it does not say. */
bool process_clock_synchronised(void);

#endif
