import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

/** The torture proves something only while it finds what is planted: an order of writes that loses or doubles (R12), a password that a crash loses (R21). */
it.each([
  ['journal-after-call', 'call-after'],
  ['answer-before-commit', 'results-before-commit'],
  ['forget-passwords', 'call-before'],
])(
  'the torture finds the planted fault %s',
  (fault, point) => {
    const program = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'torture.ts')];
    const { status, stdout } = spawnSync(process.execPath, [...program, '--hits', '5', '--point', point, '--fault', fault, '--json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(JSON.parse(stdout)).toMatchObject({ clean: false });
    expect(status).toBe(1);
  },
  120_000,
);
