import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteInstallation } from '@landbridge/store';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ConfigurationDocument } from './configuration/parse-configuration.ts';
import { createHostConnectors, type HostConnectors } from './host-connectors.ts';

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

function openConnectors(say: (fields: unknown, message: string) => void, patienceMilliseconds?: number): HostConnectors {
  return createHostConnectors({
    dataFolder: folder,
    sealingKey: new Uint8Array(32),
    log: { debug: say, info: say, warn: say, error: say },
    tokens: { setFixed: () => {} } as unknown as Parameters<typeof createHostConnectors>[0]['tokens'],
    packages: { get: () => undefined } as unknown as Parameters<typeof createHostConnectors>[0]['packages'],
    secrets: (() => ({ read: () => undefined })) as unknown as Parameters<typeof createHostConnectors>[0]['secrets'],
    installation: sqliteInstallation(folder),
    deprovisioned: () => {},
    alert: () => {},
    ...(patienceMilliseconds === undefined ? {} : { patienceMilliseconds }),
  });
}

/** One that hangs while it says what it is, or spins, as its parameter says; with neither it opens. */
const SLOW = `
export const connector = {
  name: 'slow', version: '1.0.0', description: 'does not answer', parameters: () => [{ name: 'how', kind: 'string' }],
  capabilities: () => ({ import: false }),
  async schema({ parameters }) {
    if (parameters.how === 'hangs') await new Promise(() => {});
    if (parameters.how === 'blocks') for (;;);
    return { objectTypes: [{ name: 'person', attributes: [{ name: 'id', type: 'string', anchor: true }, { name: 'login', type: 'string' }] }] };
  },
};
`;

it('R1 a connector that hangs or spins while it is opened keeps nobody from the others, nor the host from ending', async () => {
  writeFileSync(join(folder, 'slow.ts'), SLOW);
  const connectors = openConnectors(() => {}, 1500);
  const connector = (how: string) => ({
    package: join(folder, 'slow.ts'),
    parameters: { how },
    objectTypes: { person: { resourceType: 'User', mapping: { userName: 'login' } } },
  });
  await connectors.apply(
    { connectors: { hangs: connector('hangs'), blocks: connector('blocks'), opens: connector('opens') } } as unknown as ConfigurationDocument,
    folder,
  );
  for (const name of ['hangs', 'blocks'])
    expect(connectors.get(name)).toEqual({ name, problem: 'it has not answered for 1.5 seconds; the host goes on without it until it does' });
  while (!('configuration' in (connectors.get('opens') ?? {}))) await new Promise((done) => setTimeout(done, 10));
  await connectors.close();
});

it('R1 a host that ends waits for a connector that is being tried again, and tries no more', async () => {
  writeFileSync(join(folder, 'stubborn.ts'), STUBBORN);
  const lines: string[] = [];
  let ended = false;
  const say = (_fields: unknown, message: string): void => void lines.push(ended ? `too late: ${message}` : message);
  const connectors = openConnectors(say);
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
