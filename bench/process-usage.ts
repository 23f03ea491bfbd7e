import { readdirSync, readFileSync } from 'node:fs';

/** What a process used so far, read from the kernel: of the process itself, whatever runs beside it. */

/** CPU seconds of all threads of a process, user and system. */
export function cpuSecondsOf(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  return nanoseconds / 1e9;
}

/** Milliseconds that the main thread of a process was ready to run and had no processor: what other programs took. */
export function waitedMilliseconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}

/** Resident memory of a process and everything that it started, MiB. */
export function treeMegabytes(pid: number): number {
  const kilobytes = treeOf(pid).reduce((sum, one) => sum + statusOf(one, 'VmRSS'), 0);
  return kilobytes / 1024;
}

/** The highest resident memory of a process alone, MiB. */
export function peakMegabytes(pid: number): number {
  return statusOf(pid, 'VmHWM') / 1024;
}

function treeOf(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '));
  return [pid, ...children.filter((child) => child.trim() !== '').flatMap((child) => treeOf(Number(child)))];
}

function statusOf(pid: number, field: string): number {
  try {
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch (error) {
    // A child may end between the listing and the reading.
    if ((error as { readonly code?: string }).code === 'ENOENT') return 0;
    throw error;
  }
}
