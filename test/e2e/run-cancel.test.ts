import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startServer } from '../../apps/server/src/index.ts';
import { runLandbridge } from '../fixtures/run-landbridge.ts';

/** A connector whose import neither ends nor listens. */
const HANGS = `
export const connector = {
  name: 'hangs', version: '1.0.0', description: 'reads for ever', parameters: () => [],
  capabilities: () => ({ import: true, export: false }),
  schema: async () => ({ objectTypes: [{ name: 'person', attributes: [{ name: 'id', type: 'string', anchor: true }, { name: 'login', type: 'string' }] }] }),
  openImport: async () => ({ readPage: () => new Promise(() => {}), close: async () => undefined }),
};
`;
const quiet = (): void => {};

it('R26 landbridge run cancel ends a run that would never end, and says what there is to cancel', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-cancel-'));
  writeFileSync(join(folder, 'hangs.ts'), HANGS);
  const config = join(folder, 'landbridge.yaml');
  writeFileSync(
    config,
    `version: 1
connectors:
  hr:
    package: ./hangs.ts
    parameters: {}
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
    limits: { call: 500ms }
`,
  );
  const data = join(folder, 'data');
  const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
  const server = await startServer({ dataFolder: data, configFile: config, port: 0, log });
  const landbridge = (...values: readonly string[]) => runLandbridge([...values, '--data', data], { cwd: folder, direct: true });
  try {
    expect(await landbridge('run', 'cancel', 'hr', '1')).toMatchObject({ status: 4, stderr: expect.stringContaining('run 1 is not under way') as string });
    const waiting = landbridge('run', 'hr', 'full');
    let cancelled = await landbridge('run', 'cancel', 'hr', '1');
    while (cancelled.status !== 0) cancelled = await landbridge('run', 'cancel', 'hr', '1');
    expect(cancelled.stdout).toContain('run 1 is being cancelled: what it has read is kept, nothing is removed');
    const ended = await waiting;
    expect(ended.status).not.toBe(0);
    expect(`${ended.stdout}${ended.stderr}`).toContain('cancelled');
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
