import { Session } from 'node:inspector/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readNumber, readOptions, refuse } from '../../tools/command-options.ts';

/** `npm run fuzz [-- --minutes N] [--inputs N] [--seed N] [--target NAME]`: the parsers of SCIM under mutated input, with coverage. */
const { values } = readOptions(
  `
usage: npm run fuzz [-- OPTIONS]

The parsers of SCIM and of what administrators hand in, under mutated input, with coverage: no crash, no hang, no growth.
Example: npm run fuzz -- --minutes 5 --target filter

  --minutes N     how long (default: 1)
  --inputs N      at most so many inputs (default: 24000000)
  --seed N        repeats a run
  --target NAME   only targets whose name holds this
  --help          this text
`,
  {
    minutes: { type: 'string', default: '1' },
    inputs: { type: 'string', default: '24000000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    target: { type: 'string' },
  },
);
const minutes = readNumber('minutes', values.minutes);
const inputLimit = readNumber('inputs', values.inputs, 1);
const seed = readNumber('seed', values.seed);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed / 1024 / 1024;
};

const session = new Session();
session.connect();
await session.post('Profiler.enable');
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
// Only what is loaded from here on is counted.
const { fuzz } = await import('./fuzz.ts');
const { targets } = await import('./targets.ts');
const chosen = targets.filter((target) => values.target === undefined || target.name.includes(values.target));
if (chosen.length === 0) refuse(`there is no target "${values.target}", only ${targets.map((target) => target.name).join(', ')}`);

const started = Date.now();
const memory: number[] = [];
say(`seed ${seed}; until ${minutes} minutes or ${inputLimit} inputs have passed`);
const result = fuzz(chosen, seed, {
  inputs: inputLimit,
  until: started + minutes * 60_000,
  onProgress(inputs) {
    if (inputs % 1_000_000 !== 0) return;
    memory.push(heap());
    say(`${inputs} inputs, ${Math.round((Date.now() - started) / 1000)} s, heap ${memory.at(-1)?.toFixed(1)} MiB`);
  },
});
memory.push(heap());
const seconds = (Date.now() - started) / 1000;
say(
  `${result.inputs} inputs in ${seconds.toFixed(0)} s (${Math.round(result.inputs / seconds)}/s): ${((100 * result.mutations) / result.inputs).toFixed(1)} % mutations of valid ones, ` +
    `${((100 * result.taken) / result.inputs).toFixed(1)} % taken, the slowest ${result.slowestMilliseconds.toFixed(1)} ms`,
);
await printCoverage();
const growth = (memory.at(-1) ?? 0) - (memory[0] ?? 0);
say(`heap ${memory[0]?.toFixed(1)} MiB at first, ${memory.at(-1)?.toFixed(1)} MiB at the end`);
for (const finding of result.findings) say(`✗ ${finding.target}: ${finding.problem}\n  ${JSON.stringify(finding.input).slice(0, 2000)}`);
if (growth > 64) say(`✗ the heap grew by ${growth.toFixed(0)} MiB`);
if (result.findings.length > 0 || growth > 64) process.exitCode = 1;
else say('no crash, no hang, no growth');

/** Which part of each file's text ran. */
async function printCoverage(): Promise<void> {
  const { result: scripts } = (await session.post('Profiler.takePreciseCoverage')) as { result: readonly Script[] };
  say('coverage of packages/scim, in characters of code:');
  for (const script of [...scripts].sort((left, right) => (left.url < right.url ? -1 : 1))) {
    const name = /packages\/scim\/src\/(.*)$/.exec(script.url)?.[1];
    if (name === undefined || name === 'index.ts') continue;
    const whole = script.functions[0]?.ranges[0]?.endOffset ?? 0;
    if (whole === 0) continue;
    const covered = new Uint8Array(whole);
    const ranges = script.functions
      .flatMap((one) => one.ranges)
      .sort((left, right) => right.endOffset - right.startOffset - (left.endOffset - left.startOffset));
    for (const { startOffset, endOffset, count } of ranges) covered.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    say(`  ${name.padEnd(18)} ${((100 * covered.reduce((sum, one) => sum + one, 0)) / whole).toFixed(1).padStart(5)} %`);
  }
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[] }[];
}
