import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { straceProgram } from '../../tools/backends.ts';

/** Killing a process does not lose what it wrote; losing power does. So this looks at what reached the disk, and when (R3). */
const strace = straceProgram();
/** Some containers have the program and forbid tracing. */
const mayTrace = strace !== undefined && spawnSync(strace, ['-f', '-o', '/dev/null', 'true']).status === 0;

type Event = 'request' | 'call' | 'answer' | 'pages' | 'end' | 'ended' | 'page' | 'shown' | 'written' | 'synced';

/** What a trace says of the connector's log and of the marks, in order. A call that another thread interrupts ends on a line of its own. */
function readTrace(text: string): readonly Event[] {
  const events: Event[] = [];
  const begun = new Map<string, string>();
  for (const line of text.split('\n')) {
    const pid = /^\d+/.exec(line)?.[0] ?? '';
    const mark = /write\(2(?:<[^>]*>)?, "MARK (\w+)/.exec(line)?.[1];
    if (mark !== undefined) events.push(mark as Event);
    if (line.includes('<unfinished') && /connector\.db-wal/.test(line)) begun.set(pid, line);
    const whole = line.includes('resumed>') ? `${begun.get(pid) ?? ''} ${line}` : line;
    if (line.includes('resumed>')) begun.delete(pid);
    if (line.includes('<unfinished') || !whole.includes('connector.db-wal')) continue;
    if (/pwrite64\(/.test(whole)) events.push('written');
    if (/f(?:data)?sync\(/.test(whole) && /= 0\s*$/.test(line)) events.push('synced');
  }
  return events;
}

/** What a traced program did, in order: it is given a folder of its own. */
function trace(program: string): readonly Event[] {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-power-'));
  try {
    const file = join(folder, 'trace');
    const command = [process.execPath, '--disable-warning=ExperimentalWarning', join(import.meta.dirname, program), join(folder, 'data')];
    mkdirSync(join(folder, 'data'));
    execFileSync(strace ?? '', ['-f', '-y', '-s', '40', '-e', 'trace=write,pwrite64,fsync,fdatasync', '-o', file, ...command], {
      stdio: 'ignore',
      timeout: 60_000,
    });
    return readTrace(readFileSync(file, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('R3 power loss', () => {
  it.skipIf(!mayTrace)(
    'the intent is on the disk before the connector is called, and the result before the client is answered (needs strace, and the right to trace)',
    () => {
      const rounds = trace('traced-host.ts').join(' ').split('request').slice(1);
      expect(rounds.length).toBe(3);
      for (const round of rounds) {
        const [before = '', after = ''] = round.split('call');
        expect(before.trim(), 'before the connector is called').toMatch(/written synced$/);
        expect(after.split('answer')[0]?.trim(), 'before the client is answered').toMatch(/written synced$/);
      }
    },
  );

  it.skipIf(!mayTrace)('pages of a first import wait for no disk; what ends it does, for all of them, and a page of a later import does', () => {
    const events = trace('traced-import.ts').join(' ');
    const between = (from: string, to: string): string => new RegExp(`\\b${from} (.*) ${to}\\b`).exec(events)?.[1] ?? '';
    expect(between('pages', 'end')).toMatch(/^written( written)*$/);
    expect(between('end', 'ended')).toMatch(/written synced$/);
    expect(between('page', 'shown')).toMatch(/written synced$/);
  });
});
