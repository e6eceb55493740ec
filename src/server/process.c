/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads /proc, limits and file systems.
 */
#include "server/process.h"

#include "base/clock.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

static int64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    long long pages = 0, all;

    if (!file) {
        return 0;
    }
    if (fscanf(file, "%lld %lld", &all, &pages) != 2) {
        pages = 0;
    }
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* Without the directory that is read for it, and without `.` and `..`. */
static int64_t open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t count = 0;

    if (!dir) {
        return 0;
    }
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count > 3 ? count - 3 : 0;
}

static int64_t us_of(struct timeval time)
{
    return time.tv_sec * SECOND_US + time.tv_usec;
}

void process_usage(struct process_usage *out)
{
    struct rusage usage = {0};
    struct rlimit limit = {0};

    (void)getrusage(RUSAGE_SELF, &usage);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    *out = (struct process_usage){
        .resident_bytes = resident_bytes(),
        .cpu_us = us_of(usage.ru_utime) + us_of(usage.ru_stime),
        .open_files = open_files(),
        .open_files_max = (int64_t)limit.rlim_cur,
    };
}

int64_t process_file_bytes(const char *dir, const char *name)
{
    char path[4096];
    struct stat found;
    int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

    return n > 0 && (size_t)n < sizeof(path) && stat(path, &found) == 0 ? found.st_size : 0;
}

int64_t process_free_bytes(const char *dir)
{
    struct statvfs found;

    return statvfs(dir, &found) == 0 ? (int64_t)found.f_bavail * (int64_t)found.f_frsize : -1;
}

bool process_clock_synchronised(void)
{
    struct timex clock = {0};

    return adjtimex(&clock) != TIME_ERROR;
}
