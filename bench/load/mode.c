/* SPDX-License-Identifier: Apache-2.0
 *
 * The modes: what an agent sends first, and what follows an answer. An answer counts only when it
 * says what it should: the right status, the right proposal, a permit where one is due.
 */
#include "run.h"

#include <stdio.h>
#include <string.h>

enum { SAMPLES_MAX = 5 };  /* faults printed in full */

static void fault(struct run *run, const struct answer *answer, const char *why)
{
    run->faults++;
    run->wrong += answer->status >= 200 && answer->status < 300;
    if (run->faults <= SAMPLES_MAX) {
        int shown = answer->body_size < 400 ? (int)answer->body_size : 400;
        fprintf(stderr, "load: %s: status %d: %.*s\n", why, answer->status, shown, answer->body);
    }
}

static void send_for_ticket(struct run *run, struct connection *connection, struct request *request,
                            const struct ticket *ticket)
{
    request_set_ticket(request, ticket);
    connection_send(run, connection, request);
}

void agent_begin(struct run *run, struct agent *agent)
{
    bool enough = run->options.count != 0 && run->begun_count == run->options.count;
    agent->step = STEP_IDLE;
    if (run->phase == PHASE_DRAIN || enough) {
        return;
    }
    agent->begun_ns = clock_ns();
    if (run->mode->begin(run, agent)) {
        agent->step = STEP_FIRST;
        run->begun_count++;
    } else if (run->options.count == 0) {
        run_window_close(run);
    }
}

/* ---- auto and submit ---- */

static bool submit_begin(struct run *run, struct agent *agent)
{
    agent->ticket.key = agent->index % run->key_count;
    request_set_number(&run->submit[agent->ticket.key], run->sequence++);
    connection_send(run, &agent->own, &run->submit[agent->ticket.key]);
    return true;
}

static void auto_answer(struct run *run, struct agent *agent, struct connection *from,
                        const struct answer *answer)
{
    if (answer->status == 201 && answer_is_approved(answer) && answer_has_permit(answer)) {
        run_record(run, METRIC_AUTO, from->sent_ns);
    } else {
        fault(run, answer, "not approved with a permit");
    }
    agent_begin(run, agent);
}

static bool take_pending(struct run *run, struct agent *agent, struct connection *from,
                         const struct answer *answer)
{
    if (answer->status != 201 || !answer_is_pending(answer) ||
        !answer_take_ticket(answer, &agent->ticket)) {
        fault(run, answer, "not pending with id and digest");
        return false;
    }
    run_record(run, METRIC_SUBMIT, from->sent_ns);
    return true;
}

static void submit_answer(struct run *run, struct agent *agent, struct connection *from,
                          const struct answer *answer)
{
    if (take_pending(run, agent, from, answer) && run->options.save != NULL) {
        ticket_keep(run, &agent->ticket);
    }
    agent_begin(run, agent);
}

/* ---- decide ---- */

static bool decide_begin(struct run *run, struct agent *agent)
{
    if (run->ticket_next == run->ticket_count) {
        return false;
    }
    agent->ticket = run->tickets[run->ticket_next++];
    send_for_ticket(run, &agent->reviewer, &run->decide, &agent->ticket);
    return true;
}

static bool decide_take(struct run *run, struct agent *agent, const struct answer *answer)
{
    if (answer->status != 200 || !answer_is_of(answer, &agent->ticket) ||
        !answer_is_approved(answer)) {
        fault(run, answer, "decision not taken");
        return false;
    }
    run_record(run, METRIC_DECIDE, agent->reviewer.sent_ns);
    return true;
}

static void decide_answer(struct run *run, struct agent *agent, struct connection *from,
                          const struct answer *answer)
{
    (void)from;
    (void)decide_take(run, agent, answer);
    agent_begin(run, agent);
}

/* ---- cycle: submit, wait, decide, answer ---- */

/* The wait goes out before the decision; what is measured runs from the decision's send. */
static void cycle_wait_and_decide(struct run *run, struct agent *agent)
{
    agent->step = STEP_WAITING;
    agent->open_parts = 2;
    send_for_ticket(run, &agent->own, &run->wait[agent->ticket.key], &agent->ticket);
    send_for_ticket(run, &agent->reviewer, &run->decide, &agent->ticket);
}

static void cycle_decided(struct run *run, struct agent *agent, const struct answer *answer)
{
    if (decide_take(run, agent, answer)) {
        agent->open_parts--;
    } else if (answer->status == 503 || answer->status == 429) {
        send_for_ticket(run, &agent->reviewer, &run->decide, &agent->ticket);
    } else if (agent->own.in_flight) {
        connection_reopen(run, &agent->own);  /* its wait would last to the end of the run */
        agent->open_parts = 0;
    } else {
        agent->open_parts = 0;
    }
}

static void cycle_notified(struct run *run, struct agent *agent, const struct answer *answer)
{
    agent->open_parts--;
    if (answer->status == 200 && answer_is_of(answer, &agent->ticket) &&
        answer_is_approved(answer) && answer_has_permit(answer)) {
        run_record(run, METRIC_NOTIFY, agent->reviewer.sent_ns);
        run_record(run, METRIC_CYCLE, agent->begun_ns);
    } else {
        fault(run, answer, "the agent's wait ended without a permit");
    }
}

static void cycle_answer(struct run *run, struct agent *agent, struct connection *from,
                         const struct answer *answer)
{
    if (agent->step == STEP_FIRST) {
        if (take_pending(run, agent, from, answer)) {
            cycle_wait_and_decide(run, agent);
        } else {
            agent_begin(run, agent);
        }
        return;
    }
    if (from == &agent->reviewer) {
        cycle_decided(run, agent, answer);
    } else {
        cycle_notified(run, agent, answer);
    }
    if (agent->open_parts == 0) {
        agent_begin(run, agent);
    }
}

/* ---- get and park ---- */

static bool get_begin(struct run *run, struct agent *agent)
{
    agent->ticket = run->tickets[agent->index % run->ticket_count];
    send_for_ticket(run, &agent->own, &run->read[agent->ticket.key], &agent->ticket);
    return true;
}

static void get_answer(struct run *run, struct agent *agent, struct connection *from,
                       const struct answer *answer)
{
    if (answer->status == 200 && answer_is_of(answer, &agent->ticket)) {
        run_record(run, METRIC_GET, from->sent_ns);
    } else {
        fault(run, answer, "not the proposal that was asked for");
    }
    agent_begin(run, agent);
}

/* An agent parks after a plain read, which proves that the server has accepted its connection. */
static void park_next(struct run *run)
{
    if (run->opened < run->options.agents) {
        agent_begin(run, run_open_agent(run));
    }
    if (++run->parked == run->options.agents) {
        printf("{\"parked\":%u}\n", run->parked);
        fflush(stdout);
    }
}

static void park_answer(struct run *run, struct agent *agent, struct connection *from,
                        const struct answer *answer)
{
    bool first = agent->step == STEP_FIRST, pending = answer_is_pending(answer);
    bool permitted = answer_is_approved(answer) && answer_has_permit(answer);
    if (answer->status != 200 || !answer_is_of(answer, &agent->ticket) || !(pending || permitted)) {
        fault(run, answer, "not an answer to a parked agent");
    }
    agent->step = STEP_WAITING;
    run->renewed += pending && !first;
    run->released += !pending;
    if (pending) {
        send_for_ticket(run, from, &run->wait[agent->ticket.key], &agent->ticket);
    }
    if (first) {
        park_next(run);
    }
}

static const struct mode modes[] = {
    { .name = "auto", .action = "bench.allow", .metric = METRIC_AUTO, .own = true,
      .begin = submit_begin, .answer = auto_answer },
    { .name = "submit", .action = "bench.hold", .metric = METRIC_SUBMIT, .own = true,
      .begin = submit_begin, .answer = submit_answer },
    { .name = "decide", .action = "bench.hold", .metric = METRIC_DECIDE, .reviewer = true,
      .loads = true, .begin = decide_begin, .answer = decide_answer },
    { .name = "cycle", .action = "bench.hold", .metric = METRIC_CYCLE, .own = true,
      .reviewer = true, .begin = submit_begin, .answer = cycle_answer },
    { .name = "get", .action = "bench.hold", .metric = METRIC_GET, .own = true, .loads = true,
      .begin = get_begin, .answer = get_answer },
    { .name = "park", .action = "bench.hold", .metric = METRIC_GET, .own = true, .loads = true,
      .parks = true, .begin = get_begin, .answer = park_answer },
};

const struct mode *mode_find(const char *name)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(name, modes[i].name) == 0) {
            return &modes[i];
        }
    }
    return NULL;
}
