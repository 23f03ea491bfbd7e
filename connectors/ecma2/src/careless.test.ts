import { dirname, join } from 'node:path';
import type { ConnectorContext } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monoPrograms } from '../../../tools/backends.ts';
import { BRIDGE, buildConnector } from './build-worker.ts';
import { connector } from './index.ts';
import { addPerson, createTestBench, importAll, putAll, type TestBench } from './testing/harness.ts';

const { signal } = new AbortController();

describe.skipIf(monoPrograms() === undefined)('a DLL that takes what it is given for its own', { timeout: 120_000 }, () => {
  let bench: TestBench;
  let context: ConnectorContext;
  beforeAll(async () => {
    const directory = dirname(await buildConnector('Landbridge.Testing.Careless', [join(BRIDGE, 'testing/CarelessConnector.cs')]));
    bench = createTestBench();
    context = bench.context({ directory, culture: 'en-US', connectivity: { Server: 'x', Password: 'secret' } });
  });
  afterAll(() => bench.remove());

  it('disposes the secret and empties the parameters: every question and every run gets its own', async () => {
    for (let round = 0; round < 3; round += 1) {
      expect(await connector.validateParameters?.('connectivity', 1, context)).toEqual([]);
      expect((await connector.schema(context, { signal })).objectTypes).toHaveLength(1);
    }
  });

  it('answers the validation of a page with null, or refuses without a word: the one is success with a warning, the other is told', async () => {
    expect(await connector.validateParameters?.('global', 1, context)).toEqual([]);
    expect((await bench.logged(/validation of the page Global with null/)).level).toBe('warn');
    expect(await connector.validateParameters?.('partition', 1, context)).toEqual([
      { parameter: '', message: 'the connector refuses the page Partition without a reason' },
    ]);
  });

  it('has the state of a run in field initialisers, and one list for all pages: each import is a new object, each page is kept', async () => {
    const names = ['secret0', 'secret1', 'secret2', 'secret3', 'secret4'];
    // The second run takes over the process of the first.
    for (let run = 0; run < 2; run += 1) expect((await importAll(context)).entries.map((entry) => entry.attributes?.['name'])).toEqual(names);
  });

  it('works a batch off from its front and leaves its thread changed: results find their changes, the next session a thread as new', async () => {
    // The culture of the thread is the connector's own business while its session lasts: German, as it set it.
    const german = { attributes: { name: 'secret1,5' } };
    for (let session = 0; session < 3; session += 1)
      expect(await putAll(context, [addPerson('a'), addPerson('b')])).toEqual([
        { id: 'a', ...german },
        { id: 'b', ...german },
      ]);
  });
});
