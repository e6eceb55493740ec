// SPDX-License-Identifier: Apache-2.0
// What the benchmark reads from the machine: memory of a process, sizes of folders, the disk's own
// speed, and what the numbers were measured on. Read only, but for one scratch file of the probe.
import { closeSync, fdatasyncSync, openSync, readFileSync, readdirSync, statSync, unlinkSync,
  writeSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const KIB = 1024;
const BLOCK = 512;              // the unit of st_blocks
const PROBE_MS = 300;
const SETTLE_STEP_MS = 200;
const SETTLE_STEPS_MAX = 25;

/** Resident memory of a process in bytes: all of it, and the part that is not files. */
export function memoryOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * KIB;
  return { rss: field('VmRSS'), anonymous: field('RssAnon') };
}

/** Memory once two readings in a row agree within 64 KiB. */
export async function settledMemoryOf(pid) {
  let before = memoryOf(pid);
  for (let step = 0; step < SETTLE_STEPS_MAX; step++) {
    await sleep(SETTLE_STEP_MS);
    const now = memoryOf(pid);
    if (Math.abs(now.rss - before.rss) <= 64 * KIB) return now;
    before = now;
  }
  return before;
}

/** Bytes of all files below a folder, as the file system has allocated them. */
export function folderBytes(dir) {
  const names = readdirSync(dir, { recursive: true });
  return names.reduce((sum, name) => {
    const stat = statSync(join(dir, name));
    return sum + (stat.isFile() ? stat.blocks * BLOCK : 0);
  }, 0);
}

/** How many open files a process started from here may have. */
export function openFilesMax() {
  const line = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return line[1] === 'unlimited' ? Infinity : Number(line[1]);
}

/** Appends of 4 KiB with fdatasync: how many a second, and the median in milliseconds. */
export function probeDisk(dir) {
  const path = join(dir, 'probe');
  const file = openSync(path, 'w');
  const block = Buffer.alloc(4 * KIB, 1);
  const times = [];
  const start = performance.now();
  for (let last = start; last - start < PROBE_MS;) {
    writeSync(file, block);
    fdatasyncSync(file);
    const now = performance.now();
    times.push(now - last);
    last = now;
  }
  closeSync(file);
  unlinkSync(path);
  times.sort((a, b) => a - b);
  const p50 = times[times.length >> 1];
  return { perSecond: Math.round(1000 * times.length / PROBE_MS), p50Ms: Number(p50.toFixed(3)) };
}

/** What the report says about the machine. */
export function describeMachine(dir) {
  return { at: new Date().toISOString(), cpu: cpus()[0].model, cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30), kernel: release(), node: process.version,
    loadAverage: loadavg()[0], disk: probeDisk(dir) };
}
