// SPDX-License-Identifier: Apache-2.0
// Small numbers work for the benchmark: pure functions only.

/** The median; of an even count the mean of the middle two; undefined of nothing. */
export function median(values) {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Half the distance from the least to the greatest, as a share of the median: how noisy. */
export function spread(values) {
  if (values.length < 2) return 0;
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}

/** What several runs of the load generator say together: medians, member by member. */
export function summary(runs) {
  const of = (pick) => median(runs.map(pick));
  const metrics = new Set(runs.flatMap((run) => Object.keys(run.latency_us)));
  const latency = {};
  for (const name of metrics) {
    latency[name] = Object.fromEntries(['p50', 'p90', 'p99']
      .map((share) => [share, of((run) => run.latency_us[name]?.[share])]));
  }
  return {
    rate: of((run) => run.rate),
    spread: spread(runs.map((run) => run.rate)),
    cpuUs: of((run) => run.server_cpu_us_per_op),
    clientCpuUs: of((run) => run.client_cpu_us_per_op),
    latency,
  };
}
