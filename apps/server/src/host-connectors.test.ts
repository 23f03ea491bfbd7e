import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteInstallation } from '@landbridge/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ConfigurationDocument } from './configuration/parse-configuration.ts';
import { createHostConnectors } from './host-connectors.ts';

/** A connector that cannot be opened: at once the first time, and later only when the file `go` is there. */
const STUBBORN = `
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
export const connector = {
  name: 'stubborn', version: '1.0.0', description: 'does not open', parameters: () => [],
  async capabilities({ folder }) {
    appendFileSync(join(folder, 'attempts'), '.');
    while (readFileSync(join(folder, 'attempts'), 'utf8') !== '.' && !existsSync(join(folder, 'go'))) await new Promise((done) => setTimeout(done, 5));
    throw new Error('it will not');
  },
  schema: async () => ({ objectTypes: [] }),
};
`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-connectors-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('R1 a host that ends waits for a connector that is being tried again, and tries no more', async () => {
  writeFileSync(join(folder, 'stubborn.ts'), STUBBORN);
  const lines: string[] = [];
  let ended = false;
  const say = (_fields: unknown, message: string): void => void lines.push(ended ? `too late: ${message}` : message);
  const connectors = createHostConnectors({
    dataFolder: folder,
    sealingKey: new Uint8Array(32),
    log: { debug: say, info: say, warn: say, error: say },
    tokens: { setFixed: () => {} } as unknown as Parameters<typeof createHostConnectors>[0]['tokens'],
    packages: { get: () => undefined } as unknown as Parameters<typeof createHostConnectors>[0]['packages'],
    secrets: (() => ({ read: () => undefined })) as unknown as Parameters<typeof createHostConnectors>[0]['secrets'],
    installation: sqliteInstallation(folder),
    deprovisioned: () => {},
    alert: () => {},
  });
  const connector = { package: join(folder, 'stubborn.ts'), parameters: {}, objectTypes: { person: { resourceType: 'User' } } };
  await connectors.apply({ connectors: { hr: connector } } as unknown as ConfigurationDocument, folder);
  expect(connectors.get('hr')).toMatchObject({ problem: expect.stringContaining('it will not') });
  const files = join(folder, 'connectors/hr/files');
  const attempts = (): number => (existsSync(join(files, 'attempts')) ? readFileSync(join(files, 'attempts'), 'utf8').length : 0);
  while (attempts() < 2) await new Promise((done) => setTimeout(done, 10));
  const closing = connectors.close().then(() => {
    ended = true;
  });
  await Promise.race([closing, new Promise((done) => setTimeout(done, 50))]);
  expect(ended).toBe(false);
  writeFileSync(join(files, 'go'), '');
  await closing;
  expect(attempts()).toBe(2);
  expect(lines).toEqual(['a connector cannot be opened']);
});
