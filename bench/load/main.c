/* SPDX-License-Identifier: Apache-2.0
 *
 * The load generator of the benchmark: agents (and the reviewers who answer them) on keep-alive
 * connections, as cheap in CPU as possible, because it shares the machine with the server that it
 * measures: one thread, one epoll set, requests built once and patched, answers searched.
 *
 * It must never aim at anything but the loopback range of this machine, and never count an answer
 * that it has not checked.
 *
 *   request.c, answer.c   the bytes          mode.c    what agents do
 *   run.c                 the loop           report.c  what is printed
 *   ticket.c              --save, --load     histogram.c  latencies
 *
 * Build: cc -O2 -Wall -Wextra -Werror -o load bench/load/[a-z]*.c
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "run.h"

static const char usage[] =
    "usage: load MODE --url http://127.0.0.1:PORT [options]\n"
    "  auto    proposals that the policy approves        submit  proposals that wait for a person\n"
    "  cycle   submit, parked wait, decision, answer     decide  decisions on proposals of --load\n"
    "  get     reads of proposals of --load              park    one parked wait per agent\n"
    "                                                            until SIGTERM\n"
    "  --key KEY | --keys FILE        an agent's key, or a file of one a line, used in turn\n"
    "  --token TOKEN | --cookie NAME=VALUE   who decides (the cookie goes with an Origin header)\n"
    "  --agents N  --seconds S  --warmup S   how many, how long (1, 5, 1)\n"
    "  --count N                      exactly N operations instead of --seconds; no warm-up\n"
    "  --save FILE  --load FILE       keep what submit made; use what an earlier run kept\n"
    "  --pid PID                      the server's process, for its CPU time per operation\n"
    "  --json                         one line of JSON instead of a text\n";

/* Only IPv4 addresses of the loopback range: this tool measures this machine. */
static void parse_url(struct run *run, const char *url)
{
    char host[16] = "";
    unsigned port = 0;
    run->address.sin_family = AF_INET;
    if (sscanf(url, "http://%15[0-9.]:%5u", host, &port) != 2 || port == 0 || port > 65535 ||
        inet_pton(AF_INET, host, &run->address.sin_addr) != 1 ||
        ntohl(run->address.sin_addr.s_addr) >> 24 != 127) {
        die("--url must be http://127.x.x.x:PORT, not %s", url);
    }
    run->address.sin_port = htons((uint16_t)port);
    snprintf(run->host, sizeof run->host, "%s:%u", host, port);
}

static void key_add(struct run *run, const char *key)
{
    if (run->key_count == KEYS_MAX || strlen(key) >= CREDENTIAL_MAX) {
        die("too many keys, or a key too long");
    }
    snprintf(run->keys[run->key_count++], CREDENTIAL_MAX, "%s", key);
}

static void keys_load(struct run *run, const char *path)
{
    char key[CREDENTIAL_MAX];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        die("%s: %s", path, strerror(errno));
    }
    while (fscanf(file, "%511s", key) == 1) {
        key_add(run, key);
    }
    fclose(file);
}

static double number(const char *text, double least, double most)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !(value >= least && value <= most)) {
        die("%s is not a number from %g to %g", text, least, most);
    }
    return value;
}

static const struct option long_options[] = {
    { "url", 1, NULL, 'u' },    { "key", 1, NULL, 'k' },     { "keys", 1, NULL, 'K' },
    { "token", 1, NULL, 't' },  { "cookie", 1, NULL, 'c' },  { "agents", 1, NULL, 'a' },
    { "seconds", 1, NULL, 's' }, { "warmup", 1, NULL, 'w' }, { "count", 1, NULL, 'n' },
    { "save", 1, NULL, 'S' },   { "load", 1, NULL, 'L' },    { "pid", 1, NULL, 'p' },
    { "json", 0, NULL, 'j' },   { "help", 0, NULL, 'h' },    { NULL, 0, NULL, 0 },
};

static void parse_option(struct run *run, int letter)
{
    struct options *options = &run->options;
    switch (letter) {
    case 'u': parse_url(run, optarg); break;
    case 'k': key_add(run, optarg); break;
    case 'K': keys_load(run, optarg); break;
    case 't': options->token = optarg; break;
    case 'c': options->cookie = optarg; break;
    case 'a': options->agents = (uint32_t)number(optarg, 1, AGENTS_MAX); break;
    case 's': options->seconds = number(optarg, 0.01, 86400); break;
    case 'w': options->warmup = number(optarg, 0, 3600); break;
    case 'n': options->count = (uint64_t)number(optarg, 1, 1e9); break;
    case 'S': options->save = optarg; break;
    case 'L': options->load = optarg; break;
    case 'p': options->server_pid = (int)number(optarg, 1, 1e9); break;
    case 'j': options->json = true; break;
    case 'h': fputs(usage, stdout); exit(0);
    default: fputs(usage, stderr); exit(2);
    }
}

/* What the mode needs must be there; a usage error ends with status 2. */
static void check_arguments(struct run *run)
{
    const struct options *options = &run->options;
    if (run->mode == NULL || run->address.sin_port == 0 || run->key_count == 0 ||
        (run->mode->loads && options->load == NULL) ||
        (run->mode->reviewer && options->token == NULL && options->cookie == NULL)) {
        fputs(usage, stderr);
        exit(2);
    }
    if (run->mode->parks || options->count != 0) {
        run->options.warmup = 0;
    }
}

static void parse_arguments(struct run *run, int argc, char **argv)
{
    int letter;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        parse_option(run, letter);
    }
    if (optind == argc - 1) {
        run->mode = mode_find(argv[optind]);
    }
    check_arguments(run);
}

static void requests_build(struct run *run)
{
    run->submit = allocate(run->key_count, sizeof *run->submit);
    run->wait = allocate(run->key_count, sizeof *run->wait);
    run->read = allocate(run->key_count, sizeof *run->read);
    for (uint32_t i = 0; i < run->key_count; i++) {
        request_build_submit(&run->submit[i], run->host, run->keys[i], run->mode->action);
        request_build_wait(&run->wait[i], run->host, run->keys[i]);
        request_build_read(&run->read[i], run->host, run->keys[i]);
    }
    request_build_decide(&run->decide, run->host, run->options.token, run->options.cookie);
}

static void on_signal(int signal_number)
{
    (void)signal_number;
    run_stopping = 1;
}

/* SIGTERM and SIGINT arrive only inside epoll_pwait; SIGTERM also comes when the parent dies. */
static sigset_t signals_prepare(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigdelset(&before, SIGTERM);
    sigdelset(&before, SIGINT);
    return before;
}

static void files_limit_raise(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    static struct run only_run;
    struct run *run = &only_run;
    run->keys = allocate(KEYS_MAX, sizeof *run->keys);
    run->options = (struct options){ .agents = 1, .seconds = 5, .warmup = 1 };
    parse_arguments(run, argc, argv);
    files_limit_raise();
    sigset_t mask = signals_prepare();
    run->sequence = clock_ns() / 1000;
    run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    run->agents = allocate(run->options.agents, sizeof *run->agents);
    requests_build(run);
    if (run->mode->loads) {
        tickets_load(run, run->options.load);
    }
    run_phases(run, &mask);
    report_print(run);
    if (run->options.save != NULL) {
        tickets_save(run, run->options.save);
    }
    return 0;
}
