import { Presets, SingleBar } from 'cli-progress';
import { type AdminClient, exitCode } from '../admin-client.ts';
import { type CommonOptions, print, style } from '../output.ts';

interface Progress {
  readonly phase: string;
  readonly entries: number;
  readonly total?: number;
  readonly entriesPerSecond: number;
}

export interface EndedRun {
  readonly id: number;
  readonly profile: string;
  readonly result: string;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly steps: readonly {
    readonly counts: Readonly<Record<string, number>>;
    readonly errorCount: number;
    readonly errors: readonly { readonly entry: string; readonly error: { readonly code: string; readonly message: string } }[];
  }[];
  readonly held?: { readonly reason: string; readonly entries: number };
}

/** Starts a run and shows it: a bar where the total is known, a counter where it is not, then what it did. */
export async function showRun(host: AdminClient, connector: string, profile: string, options: CommonOptions & { readonly wait?: boolean }): Promise<void> {
  const base = `/connectors/${encodeURIComponent(connector)}/runs`;
  const { runId } = await host.send<{ readonly runId: number }>('POST', base, { profile });
  if (options.wait === false) return print(options, { runId }, () => `run ${runId} is under way; see it with: landbridge runs ${connector} ${runId}`);
  const bar =
    options.json || !process.stderr.isTTY
      ? undefined
      : new SingleBar(
          {
            format: `${profile} {bar} {value}/{total} entries · {rate}/s · {phase} · {eta_formatted}`,
            hideCursor: true,
            stream: process.stderr,
            etaBuffer: 50,
          },
          Presets.shades_classic,
        );
  bar?.start(0, 0, { rate: 0, phase: 'opening' });
  let run: EndedRun | undefined;
  for await (const line of host.lines<{ readonly progress?: Progress; readonly run?: EndedRun }>('GET', `${base}/${runId}/progress`)) {
    if (line.progress !== undefined && bar !== undefined) {
      bar.setTotal(Math.max(line.progress.total ?? 0, line.progress.entries));
      bar.update(line.progress.entries, { rate: line.progress.entriesPerSecond, phase: line.progress.phase });
    }
    run = line.run ?? run;
  }
  bar?.stop();
  if (run === undefined) return;
  const ended = run;
  print(options, ended, () => describeRun(connector, ended));
  if (ended.result !== 'success') process.exitCode = exitCode.failed;
}

/** The end of a run for a person: counts, what failed, what to do. */
export function describeRun(connector: string, run: EndedRun): string {
  const sum = (name: string): number => run.steps.reduce((total, step) => total + (step.counts[name] ?? 0), 0);
  const unresolved = run.steps.at(-1)?.counts['unresolved'] ?? 0;
  const seconds = ((run.endedAt ?? run.startedAt) - run.startedAt) / 1000;
  const errors = run.steps.flatMap((step) => step.errors).slice(0, 10);
  return [
    `run ${run.id}: ${run.result === 'success' ? style.good(run.result) : style.warn(run.result)} in ${seconds.toFixed(1)} s: ${sum('added')} added, ${sum('updated')} updated, ${sum('unchanged')} unchanged, ${sum('removed')} removed`,
    ...(unresolved === 0 ? [] : [`${unresolved} references refer to objects that were not imported; they are kept, and resolved when those come`]),
    ...(sum('waiting') === 0
      ? []
      : [
          `${sum('waiting')} entries are no longer in their partition; they may have moved, and go when the other partitions were read and then this one again`,
        ]),
    ...errors.map((one) => `${style.bad('✗')} ${one.entry === '' ? '' : `${one.entry}: `}${one.error.message} (${one.error.code})`),
    // A run that the host itself ended, such as by a full disk, may have had no place left to store the reason.
    ...(run.result === 'failed' && errors.length === 0
      ? ['the host could not go on; the reason is in its log (host.log in the data folder), and landbridge doctor checks the disk']
      : []),
    ...(run.result === 'failed' ? [`what was read before is kept, nothing was removed; run it again: landbridge run ${connector} ${run.profile}`] : []),
    ...(run.held === undefined
      ? []
      : [`held: ${run.held.reason}`, `see them with: landbridge runs ${connector} ${run.id}; then: landbridge run approve ${connector} ${run.id}`]),
  ].join('\n');
}
