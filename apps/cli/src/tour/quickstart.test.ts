import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { changesOf } from './describe-tour.ts';

/** The quickstart as a newcomer runs it, in a folder of its own. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-quickstart-'));
const program = join(import.meta.dirname, '../quickstart.ts');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function quickstart(...values: readonly string[]): Promise<{ readonly code: number | null; readonly out: string; readonly error: string }> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [program, '--port', '0', ...values], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
    let [out, error] = ['', ''];
    child.stdout.on('data', (part) => {
      out += String(part);
    });
    child.stderr.on('data', (part) => {
      error += String(part);
    });
    child.once('close', (code) => done({ code, out, error }));
  });
}

describe('the quickstart', () => {
  it('--once: five parts, six steps with what they changed, exit code 0', async () => {
    const { code, out } = await quickstart('--once', '--people', '300');
    expect(out).toMatch(/1 {2}The application[\s\S]*2 {2}Its configuration[\s\S]*3 {2}The host[\s\S]*4 {2}The first import[\s\S]*5 {2}The tour/);
    expect(out).toContain('312 added');
    for (const step of ['1/6 create a person', '2/6 add to a group', '3/6 change the manager', '4/6 rename', '5/6 disable', '6/6 delete'])
      expect(out).toContain(`✓ ${step}`);
    expect(out).toMatch(/last_name +Hopper +→ +Murray Hopper/);
    expect(out).toMatch(/status +A +→ +D/);
    expect(out).toMatch(/memberships +— +→ +Research/);
    expect(out).toContain('6 of 6 steps seen in the database');
    expect(code).toBe(0);
  });

  it('--once --json says the same by program', async () => {
    const { code, out } = await quickstart('--once', '--people', '300', '--json');
    const result = JSON.parse(out) as { readonly passed: boolean; readonly steps: readonly { readonly status: number }[] };
    expect(result.passed).toBe(true);
    expect(result.steps.map((step) => step.status)).toEqual([201, 204, 200, 200, 200, 204]);
    expect(code).toBe(0);
  });

  it('a step that the database does not show is said, and the exit code is 1', async () => {
    // One person only: there is no director who could be the manager.
    const { code, out } = await quickstart('--once', '--people', '1');
    expect(out).toContain('✗ 3/6 change the manager');
    expect(out).toContain('the database does not show what was asked for');
    expect(out).toMatch(/only \d of 6 steps seen/);
    expect(code).toBe(1);
  });

  it('wrong input is a sentence', async () => {
    expect(await quickstart('--once', '--people', 'many')).toMatchObject({ code: 2, error: expect.stringContaining('write a whole number') as string });
  });

  it('changes are what differs, and nothing else', () => {
    const row = { id: 1, name: 'a', gone: null };
    expect(changesOf({ before: { person: row, departments: ['x'] }, after: { person: { ...row, name: 'b' }, departments: ['x'] } })).toEqual([
      { column: 'name', before: 'a', after: 'b' },
    ]);
    expect(changesOf({ before: { departments: [] }, after: { departments: [] } })).toEqual([]);
  });
});
