import { dirname, join } from 'node:path';
import { openWorker, type WorkerProcess } from '@landbridge/worker-protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monoPrograms } from '../../../tools/backends.ts';
import { BRIDGE, buildConnector, buildWorker } from './build-worker.ts';
import { createTestBench, type TestBench } from './testing/harness.ts';

describe.skipIf(monoPrograms() === undefined)('the worker reads a batch whatever the order of its members', { timeout: 120_000 }, () => {
  let bench: TestBench;
  let worker: WorkerProcess;
  beforeAll(async () => {
    const directory = dirname(await buildConnector('Landbridge.Testing.Bench', [join(BRIDGE, 'testing/BenchConnector.cs')]));
    const { executable } = await buildWorker('mono');
    bench = createTestBench();
    const { log } = bench.context({});
    worker = await openWorker(
      { command: 'mono', values: [executable, '--directory', directory] },
      { connector: 'order', folder: bench.folder, log, redact: (text) => text },
    );
    const schema = await worker.call<object>('schema', { parameters: {} });
    await worker.call('export.open', { session: 'one', parameters: {}, step: { kind: 'delta', batchSize: 10, schema } });
  });
  afterAll(async () => {
    await worker.end();
    bench.remove();
  });

  /** A change with an integer: it can be read only when the object type and the name are known. */
  const change = (number: string): readonly object[] => {
    const name = { name: 'number' };
    const rest = { modification: 'add' };
    const values = { values: [number] };
    const head = { id: '7', modification: 'add', objectType: 'person' };
    const anchor = { anchor: { id: 'a' } };
    return [
      { ...head, ...anchor, changes: [{ ...name, ...rest, ...values }], later: { unknown: [1, { deep: null }] } },
      { ...anchor, changes: [{ ...values, ...rest, ...name }], ...head },
      { changes: [{ later: [], ...rest, ...values, ...name }], later: 1, ...anchor, ...head },
    ];
  };

  it('with the session before the changes and behind them', async () => {
    for (const changes of change('42').map((one) => [one])) {
      expect(await worker.call('export.put', { session: 'one', changes })).toMatchObject({ results: [{ id: '7' }] });
      expect(await worker.call('export.put', { changes, session: 'one' })).toMatchObject({ results: [{ id: '7' }] });
    }
  });

  it('as what the schema says they are: a text is no integer, in any order; the session goes on', async () => {
    for (const changes of change('many').map((one) => [one])) await expect(worker.call('export.put', { session: 'one', changes })).rejects.toThrow();
    expect(await worker.call('export.put', { session: 'one', changes: [] })).toEqual({ results: [] });
  });

  it('and does not take an attribute for the one that stood in its place in the change before', async () => {
    const add = (id: string, ...pairs: readonly (readonly [string, string])[]): object => ({
      id,
      modification: 'add',
      objectType: 'person',
      changes: pairs.map(([name, value]) => ({ name, modification: 'add', values: [value] })),
    });
    const changes = [
      add('1', ['login', 'many'], ['number', '1']),
      add('2', ['number', '2'], ['login', 'many']),
      add('3', ['quo"ted\\', 'many'], ['login', 'many']),
      add('4', ['quo"ted\\', 'many'], ['number', '4'], ['attribute0', 'more']),
      add('5'),
    ];
    const { results } = await worker.call<{ readonly results: readonly { readonly id: string }[] }>('export.put', { session: 'one', changes });
    expect(results.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5']);
    // The second one is read as the integer that it is.
    const wrong = [add('1', ['login', 'many']), add('2', ['number', 'many'])];
    await expect(worker.call('export.put', { session: 'one', changes: wrong })).rejects.toThrow();
  });

  it('and says what is missing: changes, an object type, a name, a modification', async () => {
    const put = (params: object): Promise<unknown> => worker.call('export.put', { session: 'one', ...params });
    await expect(put({})).rejects.toThrow("lacks 'changes'");
    await expect(put({ changes: [{ id: '7', modification: 'add', changes: [] }] })).rejects.toThrow("lacks 'objectType'");
    const head = { id: '7', modification: 'add', objectType: 'person' };
    await expect(put({ changes: [{ ...head, changes: [{ modification: 'add', values: [] }] }] })).rejects.toThrow("lacks 'name'");
    await expect(put({ changes: [{ ...head, modification: 'sideways', changes: [] }] })).rejects.toThrow("no modification 'sideways'");
  });
});
