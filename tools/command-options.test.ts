import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** The programs of the project answer a typing error by a sentence, and `--help` by what there is. */
const programs = [
  ['torture', 'test/recovery/torture.ts', ['--point', 'nowhere']],
  ['fuzz', 'test/fuzz/main.ts', ['--minutes', 'soon']],
  ['bench', 'bench/main.ts', ['guess']],
  ['crossing', 'test/crossing/main.ts', ['atlantis']],
] as const;

function run(file: string, ...given: readonly string[]) {
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, '..', file), ...given], { encoding: 'utf8' });
}

it.each(programs)('npm run %s has a usage, and a sentence for what it does not know', (name, file, wrong) => {
  const help = run(file, '--help');
  expect(help).toMatchObject({ status: 0, stderr: '' });
  expect(help.stdout).toMatch(new RegExp(`^usage: npm run ${name} `));
  for (const given of [['--hlep'], wrong]) {
    const { status, stdout, stderr } = run(file, ...given);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^error: [^\n]*; --help shows what there is\n$/);
  }
});
