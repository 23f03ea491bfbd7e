import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(file));
const sources = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));

describe('the house', () => {
  it('no source file is longer than 600 lines', () => {
    const lengths = sources.map((file) => ({ file, lines: readFileSync(file, 'utf8').split('\n').length }));
    expect(lengths.length).toBeGreaterThan(60);
    expect(lengths.filter((one) => one.lines > 600)).toEqual([]);
  });

  it('no source file uses any or silences the type checker', () => {
    const marks = [': any\\b', '<any>', 'as any\\b', '@ts-ig' + 'nore', '@ts-expect-er' + 'ror'];
    const bad = new RegExp(marks.join('|'));
    expect(sources.filter((file) => file !== 'tools/repo/house.test.ts' && bad.test(readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('no file names a path of a machine or a registry', () => {
    const bad = new RegExp(['/wo' + 'rk/', '/ro' + 'ot/', 'registry\\.np' + 'mjs', 'bash_jo' + 'bs'].join('|'));
    expect(files.filter((file) => !/\.(png|db)$/.test(file) && bad.test(readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('relative links in the documentation lead somewhere', () => {
    const broken = files
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)]
          .map((match) => join(dirname(file), match[1] ?? ''))
          .filter((target) => !existsSync(target))
          .map((target) => `${file} → ${target}`),
      );
    expect(broken).toEqual([]);
  });
});
