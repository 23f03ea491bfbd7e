import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../../apps/server/src/index.ts';
import { runLandbridge } from '../fixtures/run-landbridge.ts';

/** The connector of the guide, word by word, in a folder where nothing is installed. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-own-'));
const guide = readFileSync(join(import.meta.dirname, '../../docs/guide/write-a-connector.md'), 'utf8');
const quiet = (): void => {};

beforeAll(() => {
  const [, source] = /```ts\n([\s\S]*?)```/.exec(guide) ?? [];
  writeFileSync(join(folder, 'my-connector.ts'), source ?? '');
  writeFileSync(
    join(folder, 'landbridge.yaml'),
    `version: 1
connectors:
  mine:
    package: ./my-connector.ts
    parameters: { url: http://x }
    objectTypes: { person: { resourceType: User, mapping: { userName: mail } } }
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a connector of somebody else', () => {
  it('is tested without a host, keeps the contract, and is served by a host', async () => {
    const test = await runLandbridge(['connector', 'test', 'mine', '--config', 'landbridge.yaml'], { cwd: folder });
    expect(test).toMatchObject({ status: 0, stdout: expect.stringMatching(/✓ mapping/) });
    const contract = await runLandbridge(['connector', 'test', 'mine', '--config', 'landbridge.yaml', '--contract', '--yes'], { cwd: folder });
    expect(contract.stdout).toContain('0 failed');
    const server = await startServer({
      dataFolder: join(folder, 'data'),
      configFile: join(folder, 'landbridge.yaml'),
      port: 0,
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    });
    try {
      const run = await runLandbridge(['run', 'mine', 'full', '--json', '--data', join(folder, 'data')]);
      expect(JSON.parse(run.stdout)).toMatchObject({ result: 'success' });
    } finally {
      await server.close();
    }
  });
});
