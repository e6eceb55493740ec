// SPDX-License-Identifier: Apache-2.0
// Makes tables and bars of what the parts measured. Pure functions: data in, text out. A bar that
// was not measured is said to be so; it is never counted as reached.
import { median } from './statistics.mjs';

const MIB = 2 ** 20;
const CYCLE_CPU_US = 200;
const CYCLE_CPU_OF_NODE = 1 / 3;
const BARE_SHARES = { 64: 0.70, 256: 0.60 };
const COMMIT_TO_SEND_US = 1000;
const PARKED_MIB = 64;
const PARKED_LOSS = 0.15;
const PENDING_MIB = 64;
const FIRST_ANSWER_MS = 150;
const KEEPALIVE_SHARE = 0.70;  // of the median over all client counts; a stall leaves under 0.01

const whole = (value) => (value === undefined ? '-' : Math.round(value).toLocaleString('en'));
const percent = (value) => `${(100 * value).toFixed(0)} %`;
const mib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;
const ms = (us) => (us === undefined ? '-' : (us / 1000).toFixed(2));

const memory = ({ rss, anonymous }) => `${mib(rss)} (${mib(anonymous)})`;

/** Rows of cells as aligned text; the first row is the head, the first column stands left. */
export function table(title, rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i]).length)));
  const line = (row) => row.map((cell, i) =>
    (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  ');
  return `\n${title}\n${rows.map((row) => `  ${line(row).trimEnd()}`).join('\n')}\n`;
}

const find = (rows, mode, agents, server) =>
  rows?.find((row) => row.mode === mode && row.agents === agents && row.server === server);

function ratesTable(rows) {
  const servers = [...new Set(rows.map((row) => row.server))];
  const columns = ['p50 ms', 'p99 ms', 'CPU us', 'noise'];
  const head = ['', ...servers.flatMap((name) => [`${name}/s`, ...columns])];
  const keys = [...new Set(rows.map((row) => `${row.mode} ${row.agents}`))];
  const body = keys.map((key) => {
    const [mode, agents] = key.split(' ');
    const cells = servers.map((server) => {
      const row = find(rows, mode, Number(agents), server);
      const { p50, p99 } = row.latency[mode] ?? {};
      return [whole(row.rate), ms(p50), ms(p99), whole(row.cpuUs), `+-${percent(row.spread)}`];
    });
    return [`${mode}, ${agents} agents`, ...cells.flat()];
  });
  return table('Operations per second, latency, server CPU per operation (medians of the rounds)',
    [head, ...body]) + cycleTable(rows.filter((row) => row.mode === 'cycle'));
}

function cycleTable(rows) {
  return table('Inside the cycle, in ms: decision sent -> waiting agent answered (notify), submit',
    [['', 'notify p50', 'p99', 'submit p50', 'p99', 'load CPU us'],
      ...rows.map(({ server, agents, latency: { notify, submit }, clientCpuUs }) =>
        [`${server}, ${agents} agents`, ms(notify?.p50), ms(notify?.p99), ms(submit?.p50),
          ms(submit?.p99), whole(clientCpuUs)])]);
}

function bareTable(rows) {
  return table('Auto-approvals against the bare loop (same rows, same group size, no server)',
    [['', 'bare/s', 'server/s', 'share'], ...rows.map((row) =>
      [`group of ${row.group}`, whole(row.bare), whole(row.server), percent(row.ratio)])]);
}

function commitTable(rows) {
  return table('COMMIT returned -> send returned in the server, and what its 16 clients saw, in ms',
    [['', 'p50', 'p90', 'p99', 'client p50', 'client p99'],
      ...rows.map(({ mode, server, client }) => [mode, ms(server.p50_us), ms(server.p90_us),
        ms(server.p99_us), ms(client.p50), ms(client.p99)])]);
}

function parkedTable(rows) {
  return table('Parked waits: memory of the server, rate of 64 others without and with them',
    [['', 'before', 'parked adds', 'get/s', 'with', 'lost', 'auto/s', 'with', 'lost', 'to park'],
      ...rows.map((row) => [`${row.server}, ${whole(row.agents)} parked`, mib(row.before.rss),
        mib(row.cost.rss), whole(row.get.without), whole(row.get.with), percent(row.get.lost),
        whole(row.auto.without), whole(row.auto.with), percent(row.auto.lost),
        `${whole(row.parkMs)} ms`])]);
}

function pendingTable(rows) {
  const line = (name, pick) => [name, ...rows.map(pick)];
  const start = (name, pick) => line(name, (row) => {
    const { listening, healthy, answered } = pick(row);
    return `${whole(listening)} / ${whole(healthy)} / ${whole(answered)} ms`;
  });
  return table('Many pending proposals', [
    line('', (row) => `${row.server}, ${whole(row.count)}`),
    line('RSS idle', (row) => mib(row.idle.rss)),
    line('RSS when full (of it not files)', (row) => memory(row.full)),
    line('RSS after a restart', (row) => memory(row.restarted)),
    line('filled at, per second', (row) => whole(row.fillRate)),
    line('cycles per second when full, 64 agents', (row) => whole(row.cycleRate)),
    line('inbox page when full', (row) => `${row.inbox.toFixed(1)} ms`),
    start('restart after SIGTERM: listens / healthy / answers', (row) => row.afterTerm),
    start('restart after kill -9', (row) => row.afterKill),
    line('disk per proposal', (row) => `${whole(row.bytes)} bytes`),
  ]);
}

function keepaliveTable(rows) {
  return table('Keep-alive clients, all to be served at full rate; reads of slowest and fastest',
    [['', 'get/s', 'slowest', 'fastest', 'longest ms', 'auto/s'], ...rows.map((row) =>
      [`${row.server}, ${row.agents} clients`, whole(row.get), row.slowest, row.fastest,
        ms(row.maxUs), whole(row.auto)])]);
}

const tables = { rates: ratesTable, bare: bareTable, commit: commitTable, parked: parkedTable,
  pending: pendingTable, keepalive: keepaliveTable };

/** All tables of the parts that were measured, in the order of the parts. */
export function renderTables(results) {
  return Object.entries(results).filter(([, rows]) => rows?.length > 0)
    .map(([name, rows]) => tables[name](rows)).join('');
}

/** A bar: what is aimed at, what was reached as text, and whether (undefined: not measured). */
function bar(name, value, shown, reached) {
  if (value === undefined || Number.isNaN(value)) return { name, shown: 'not measured' };
  return { name, value, shown: shown(value), reached: reached(value) };
}

const atLeast = (limit) => (value) => value >= limit;
const atMost = (limit) => (value) => value <= limit;
const ofServer = (rows, name) => rows?.find((row) => row.server === name);

function cycleBars(rows) {
  const own = find(rows, 'cycle', 64, 'fermata')?.cpuUs;
  const share = own / find(rows, 'cycle', 64, 'node')?.cpuUs;
  return [
    bar(`CPU per cycle at 64 agents <= ${CYCLE_CPU_US} us`, own, (v) => `${whole(v)} us`,
      atMost(CYCLE_CPU_US)),
    bar('CPU per cycle <= 1/3 of the Node server\'s', share, (v) => `${v.toFixed(2)} of it`,
      atMost(CYCLE_CPU_OF_NODE)),
  ];
}

function bareBars(rows) {
  return Object.entries(BARE_SHARES).map(([group, share]) =>
    bar(`auto-approvals at ${group} agents >= ${percent(share)} of the bare loop`,
      rows?.find((row) => row.group === Number(group))?.ratio, percent, atLeast(share)));
}

function parkedBars(rows) {
  const row = ofServer(rows, 'fermata');
  const count = whole(row?.agents ?? 10_000);
  return [
    bar(`${count} parked add <= ${PARKED_MIB} MiB`, row?.cost.rss, mib, atMost(PARKED_MIB * MIB)),
    ...['get', 'auto'].map((mode) =>
      bar(`${count} parked take <= ${percent(PARKED_LOSS)} of the ${mode} rate`,
        row?.[mode].lost, percent, atMost(PARKED_LOSS))),
  ];
}

function pendingBars(rows) {
  const row = ofServer(rows, 'fermata');
  const count = whole(row?.count ?? 100_000);
  const answered = row && Math.max(row.afterTerm.answered, row.afterKill.answered);
  return [
    bar(`RSS with ${count} pending < ${PENDING_MIB} MiB`, row?.full.rss, mib,
      (v) => v < PENDING_MIB * MIB),
    bar(`first answer <= ${FIRST_ANSWER_MS} ms after the start, ${count} pending`, answered,
      (v) => `${whole(v)} ms`, atMost(FIRST_ANSWER_MS)),
  ];
}

function keepaliveBars(rows) {
  const own = rows?.filter((row) => row.server === 'fermata') ?? [];
  const aim = `>= ${percent(KEEPALIVE_SHARE)} of the median`;
  return ['get', 'auto'].map((mode) => {
    const all = own.map((row) => row[mode]);
    return bar(`127 to 384 keep-alive clients: worst ${mode} rate ${aim}`,
      all.length ? Math.min(...all) / median(all) : undefined, percent, atLeast(KEEPALIVE_SHARE));
  });
}

/** All bars, also those that were not measured. */
export function makeBars(results) {
  const sentUs = results.commit?.[0].server.p50_us;
  return [
    ...bareBars(results.bare),
    ...cycleBars(results.rates),
    bar('COMMIT -> send p50 at 16 agents <= 1 ms', sentUs, (v) => `${ms(v)} ms`,
      atMost(COMMIT_TO_SEND_US)),
    ...parkedBars(results.parked),
    ...pendingBars(results.pending),
    ...keepaliveBars(results.keepalive),
  ];
}

export function renderBars(bars) {
  const word = ({ reached }) => ({ true: 'reached', false: 'NOT reached' }[reached] ?? '');
  return table('Bars', [['', 'measured', ''],
    ...bars.map((item) => [item.name, item.shown, word(item)])]);
}
