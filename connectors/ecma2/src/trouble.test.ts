import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type ConnectorContext, toConnectorError } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monoPrograms } from '../../../tools/backends.ts';
import { BRIDGE, buildConnector } from './build-worker.ts';
import { connector } from './index.ts';
import { addPerson, createTestBench, importAll, putAll, type TestBench } from './testing/harness.ts';

const { signal } = new AbortController();

describe.skipIf(monoPrograms() === undefined)('a misbehaving DLL', { timeout: 120_000 }, () => {
  let directory: string;
  let bench: TestBench;
  beforeAll(async () => {
    directory = dirname(await buildConnector('Landbridge.Testing.Trouble', [join(BRIDGE, 'testing/TroubleConnector.cs')]));
    bench = createTestBench();
  });
  afterAll(() => bench.remove());

  const trouble = (
    Trouble: string,
    When: string,
    more: Readonly<Record<string, string>> = {},
    own: Readonly<Record<string, string | boolean>> = {},
  ): ConnectorContext => bench.context({ directory, ...own, connectivity: { Trouble, When, ...more } });
  const failure = async (promise: Promise<unknown> | undefined): Promise<{ readonly code: string; readonly message: string }> => {
    try {
      await promise;
    } catch (error) {
      const { code, message } = toConnectorError(error);
      return { code, message };
    }
    throw new Error('it did not fail');
  };

  describe('processes', () => {
    it('an endless loop ends with its process once the call is given up, and the next call works (R13, R14)', async () => {
      const context = trouble('loop', 'export');
      const controller = new AbortController();
      const put = putAll(context, [addPerson('a')], { signal: controller.signal });
      await bench.logged(/a worker is up/);
      controller.abort();
      expect(await failure(put)).toMatchObject({ code: 'connection-dropped', message: expect.stringContaining('given up') });
      expect((await connector.schema(context, { signal })).objectTypes).toHaveLength(1);
    });

    it('an import that hangs is cancelled at once, and its process ends', async () => {
      const context = trouble('hang', 'open-import');
      const controller = new AbortController();
      const schema = await connector.schema(context, { signal });
      const opening = connector.openImport?.(context, { kind: 'full', schema, pageSize: 10, signal: controller.signal });
      controller.abort();
      expect(await failure(opening)).toMatchObject({ code: 'cancelled' });
    });

    it.each([
      ['exit', 'export', /exit code 3/],
      ['kill', 'export', /SIGKILL/],
      ['thread-throws', 'export', /on a thread of its own/],
    ] as const)('%s during %s: the call is in doubt, the reason is named, the next one works', async (name, when, reason) => {
      const context = trouble(name, when);
      expect(await failure(putAll(context, [addPerson('a')]))).toMatchObject({ code: 'connection-dropped', message: expect.stringMatching(reason) });
      expect((await connector.schema(context, { signal })).objectTypes).toHaveLength(1);
    });

    it('a batch with its session in one go: what did not open applied nothing, what threw closes as failed, what hangs ends (R12, R13, R17)', async () => {
      const batch = async (name: string, when: string, controller = new AbortController()) => {
        const context = trouble(name, when);
        const schema = await connector.schema(context, { signal });
        const step = { kind: 'delta' as const, schema, batchSize: 1, signal: controller.signal };
        const session = await connector.exportBatch?.(context, step, [addPerson('a')]);
        if (session === undefined) throw new Error('the worker does not take a whole batch');
        for (const part of [session.results, session.closed]) part.catch(() => {});
        return session;
      };
      const fine = await batch('', '');
      await fine.opened;
      expect(await fine.results).toEqual([{ id: 'a' }]);
      await fine.closed;
      const closed = await batch('ServerDownException', 'open-export');
      expect(await failure(closed.opened)).toMatchObject({ code: 'server-down' });
      expect(await failure(closed.results)).toMatchObject({ code: 'terminated', message: expect.stringContaining('is not open') });
      expect(await failure(closed.closed)).toMatchObject({ code: 'terminated' });
      const thrown = await batch('ServerDownException', 'export');
      await thrown.opened;
      expect(await failure(thrown.results)).toMatchObject({ code: 'server-down' });
      await thrown.closed;
      await bench.logged(/closed for Unknown/);
      const badly = await batch('ServerDownException', 'close-export');
      expect(await badly.results).toEqual([{ id: 'a' }]);
      expect(await failure(badly.closed)).toMatchObject({ code: 'server-down' });
      const controller = new AbortController();
      const hanging = await batch('hang', 'export', controller);
      await hanging.opened;
      controller.abort();
      expect(await failure(hanging.results)).toMatchObject({ code: 'connection-dropped', message: expect.stringContaining('given up') });
    });

    it('a stack overflow is doubt, whether the runtime survives it or not', async () => {
      const context = trouble('stack', 'export');
      const { code, message } = await failure(putAll(context, [addPerson('a')]));
      expect(message).toMatch(/stack ?overflow/i);
      expect(['unknown', 'connection-dropped']).toContain(code);
      expect((await connector.schema(context, { signal })).objectTypes).toHaveLength(1);
    });

    it('exit during an import leaves writes alone: they have another process (R22)', async () => {
      const context = trouble('exit', 'import');
      expect(await failure(importAll(context))).toMatchObject({ code: 'connection-dropped' });
      expect(await putAll(context, [addPerson('a')])).toEqual([{ id: 'a' }]);
    });

    it('threads that never end do not keep the worker', async () => {
      expect((await importAll(trouble('threads', 'import'))).entries).toHaveLength(3);
    });
  });

  describe('output', () => {
    it('what it prints, traces, and prints past the runtime is logged, and the protocol goes on', async () => {
      expect((await importAll(trouble('print', 'import'))).entries).toHaveLength(3);
      for (const text of [/^printed$/, /^printed as an error$/, /^traced$/, /printed by native code/]) await bench.logged(text);
    });

    it('a child process has neither our input nor our output', async () => {
      expect((await importAll(trouble('child', 'import'))).entries).toHaveLength(3);
      await bench.logged(/printed by a child/);
    });

    it('hundreds of megabytes are dropped and counted', async () => {
      expect((await importAll(trouble('flood', 'import'))).entries).toHaveLength(3);
      await bench.logged(/were dropped/);
      expect(bench.lines.filter((line) => line.message.startsWith('xxxx')).length).toBeLessThan(60_000);
    });

    it('secrets are in no log line and no message', async () => {
      const error = await failure(importAll(trouble('secret', 'import', { Password: 'hunter2-dotnet' })));
      expect(error).toEqual({ code: 'bad-credentials', message: 'refused: [redacted]' });
      await bench.logged(/the password is \[redacted\]/);
      expect(JSON.stringify(bench.lines)).not.toContain('hunter2-dotnet');
    });
  });

  describe('errors (R19)', () => {
    it.each([
      ['ServerDownException', 'server-down'],
      ['BadServerCredentialsException', 'bad-credentials'],
      ['DroppedConnectionException', 'connection-dropped'],
      ['UnexpectedDataException', 'invalid-data'],
      ['TerminateRunException', 'terminated'],
      ['EntryExportException', 'entry-failed'],
      ['FatalEntryExportException', 'run-failed'],
      ['ExtensibleExtensionException', 'run-failed'],
      ['EntryPointNotImplementedException', 'not-supported'],
      ['InvalidOperationException', 'unknown'],
    ])('%s in a batch of one is %s', async (exception, code) => {
      expect(await failure(putAll(trouble(exception, 'export'), [addPerson('a')]))).toMatchObject({ code, message: expect.stringContaining('it happened') });
    });

    it('any exception in a larger batch is doubt: some of it may have been applied (R13)', async () => {
      const error = await failure(putAll(trouble('ServerDownException', 'export'), [addPerson('a'), addPerson('b')]));
      expect(error).toMatchObject({ code: 'unknown', message: expect.stringContaining('batch of 2') });
    });

    it('a failing close is an error of the close (R17)', async () => {
      expect(await failure(putAll(trouble('EndConnectionException', 'close-export'), [addPerson('a')]))).toMatchObject({ code: 'terminated' });
    });

    it('an unknown number is doubt, with its number in the message', async () => {
      expect(await putAll(trouble('unknown-error', ''), [addPerson('a')])).toEqual([{ id: 'a', error: { code: 'unknown', message: 'odd' } }]);
    });

    it('a parameter that the DLL reads and nobody asked for is named', async () => {
      expect((await failure(connector.schema(trouble('missing-parameter', 'schema'), { signal }))).message).toMatch(/KeyNotFoundException/);
    });
  });

  describe('entries', () => {
    it.each(['array', 'no-modification', 'anchor-in-attributes', 'text-numbers', 'not-selected', 'two-pages', 'empty-pages', 'custom-data'])(
      '%s is taken as it is meant',
      async (name) => {
        const { entries } = await importAll(trouble(name, ''));
        expect(entries.filter((entry) => entry.error !== undefined)).toEqual([]);
        expect(entries.length).toBe(name === 'two-pages' ? 6 : 3);
        expect(entries[2]).toMatchObject({ modification: 'add', anchor: { id: 'e2' }, attributes: { name: 'Name 2', number: 2n } });
      },
    );

    it.each([
      ['wrong-type', 'invalid-attribute-value', /number.*Integer.*DateTime/],
      ['entry-error', 'entry-failed', /row 1 is bad/],
    ] as const)('%s is an error of the entry, not of the page', async (name, code, message) => {
      const { entries } = await importAll(trouble(name, ''));
      expect(entries).toHaveLength(3);
      expect(entries[1]?.error).toMatchObject({ code, message: expect.stringMatching(message) });
      expect(entries.filter((entry) => entry.error !== undefined)).toHaveLength(1);
    });

    it('a stop code ends the run after its page', async () => {
      expect(await failure(importAll(trouble('entry-stop', '')))).toEqual({ code: 'run-failed', message: 'nothing goes any more' });
    });

    it('an entry without an anchor comes without one: the engine names it', async () => {
      const { entries } = await importAll(trouble('no-anchor', ''));
      expect(entries[1]?.anchor).toEqual({});
    });

    it('everything in the first call comes in batches; a value list of 200,000 is one entry', async () => {
      const many = await importAll(trouble('', '', { Entries: '20000' }));
      expect(many.entries).toHaveLength(20_000);
      expect(many.pages).toBeGreaterThanOrEqual(40);
      const [huge] = (await importAll(trouble('huge', ''))).entries;
      expect(huge?.attributes?.['many']).toHaveLength(200_000);
    });
  });

  describe('results', () => {
    const three = [addPerson('a'), addPerson('b'), addPerson('c')];
    it('out of order they find their changes; missing ones are left out; none at all is none', async () => {
      expect((await putAll(trouble('out-of-order', ''), three)).map((one) => one.id)).toEqual(['c', 'b', 'a']);
      expect((await putAll(trouble('some-results', ''), three)).map((one) => one.id)).toEqual(['b', 'c']);
      expect(await putAll(trouble('no-results', ''), three)).toEqual([]);
    });

    it('an entry without a distinguished name is called by its anchor, as connectors look it up', async () => {
      const gone = { id: 'a', modification: 'delete' as const, objectType: 'person', anchor: { id: 'e7' }, changes: [] };
      expect(await putAll(trouble('looks-up-by-name', ''), [gone])).toEqual([{ id: 'a' }]);
    });

    it('a result for nothing that was sent keeps its own identifier', async () => {
      const [result] = await putAll(trouble('foreign-result', ''), [addPerson('a')]);
      expect(result?.id).toMatch(/^[0-9a-f-]{36}$/);
    });

    it('two results for one change are an exception of the DLL: doubt', async () => {
      expect(await failure(putAll(trouble('same-result-twice', ''), [addPerson('a')]))).toMatchObject({ code: 'unknown' });
    });
  });

  describe('surroundings (R28)', () => {
    it('files beside the DLL go to a private copy, those of MAFolder to the folder of the connector', async () => {
      const context = trouble('beside', 'import');
      await importAll(context);
      await importAll(context);
      expect(readFileSync(join(context.folder, 'own.txt'), 'utf8')).toBe('xx');
      const [copy = ''] = readdirSync(join(context.folder, 'packages'));
      expect(readFileSync(join(context.folder, 'packages', copy, 'state.txt'), 'utf8')).toBe('xx');
      expect(existsSync(join(directory, 'state.txt'))).toBe(false);
    });

    it('static state lives as long as the worker, a schema may change with it, and a new worker begins anew', async () => {
      const attributes = async (context: ConnectorContext): Promise<readonly string[]> =>
        (await connector.schema(context, { signal })).objectTypes[0]?.attributes.map((attribute) => attribute.name) ?? [];
      const context = trouble('schema-changes', '');
      expect(await attributes(context)).not.toContain('new');
      expect(await attributes(context)).toContain('new');
      expect(await attributes(trouble('schema-changes', ''))).not.toContain('new');
    });

    it('culture and time zone are those of the configuration', async () => {
      const german = await failure(importAll(trouble('culture', 'import', {}, { culture: 'de-DE', timeZone: 'Europe/Berlin' })));
      expect(german.message).toBe('1.234,5 02');
      const english = await failure(importAll(trouble('culture', 'import', {}, { culture: 'en-US', timeZone: 'America/New_York' })));
      expect(english.message).toBe('1,234.5 20');
    });
  });

  it('sets a password with its options, tells a channel that is not secure, and maps what it throws', async () => {
    const context = trouble('', '');
    const session = await connector.openPassword?.(context, { signal });
    expect(session?.security).toBe('not-secure');
    await session?.set({ objectType: 'person', anchor: { id: 'e1' } }, 'four', { unlockAccount: true });
    expect(await failure(session?.set({ objectType: 'person', anchor: { id: 'e2' } }, 'four', {}))).toMatchObject({ code: 'entry-failed' });
    expect(await failure(session?.change({ objectType: 'person', anchor: { id: 'e1' } }, 'a', 'b'))).toMatchObject({ code: 'old-password' });
    await session?.close();
  });
});
