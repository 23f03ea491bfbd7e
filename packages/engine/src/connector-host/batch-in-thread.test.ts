import {
  type BatchSession,
  type Connector,
  type ConnectorContext,
  ConnectorError,
  compileSchema,
  type EntryResult,
  type Schema,
} from '@landbridge/connector-sdk';
import { describe, expect, it, vi } from 'vitest';
import { runBatch } from './batch-in-thread.ts';
import type { EncodedChange } from './connector-handle.ts';

const schema: Schema = { objectTypes: [{ name: 'person', attributes: [{ name: 'id', type: 'string', anchor: true }] }] };
const quiet = (): void => {};
const context: ConnectorContext = { connector: 'hr', parameters: {}, folder: '/', log: { debug: quiet, info: quiet, warn: quiet, error: quiet } };
const add = (id: string): EncodedChange => ({
  id,
  modification: 'add',
  objectType: 'person',
  anchor: { id },
  changes: [{ name: 'id', modification: 'add', values: [id] }],
});

function run(connector: Partial<Connector>, changes: readonly EncodedChange[] = [add('a')], callMilliseconds = 60_000) {
  const step = { kind: 'delta' as const, schema, batchSize: 10, signal: new AbortController().signal };
  const types = compileSchema(schema, { dnAsAnchor: false });
  return runBatch({ connector: connector as Connector, context, step, types, changes, callMilliseconds, redact: (error) => error });
}

const failed = (code: 'server-down' | 'already-exists' | 'terminated'): Promise<never> => Promise.reject(new ConnectorError(code, code));
const whole = (session: Partial<BatchSession>): Partial<Connector> => ({
  exportBatch: async () => ({ opened: Promise.resolve(), results: Promise.resolve([]), closed: Promise.resolve(), ...session }),
});

describe('a session with one batch, in the connector thread', () => {
  it('that did not open refuses its batch: nothing of it was applied (R12)', async () => {
    const outcome = await run(whole({ opened: failed('server-down'), results: failed('terminated'), closed: failed('terminated') }));
    expect(outcome).toEqual({ refused: expect.objectContaining({ code: 'server-down' }) });
  });

  it('that threw in the batch leaves it in doubt, but for one change of which the application spoke (R13)', async () => {
    const doubt = { status: 'in-doubt', error: expect.objectContaining({ code: 'server-down' }) };
    expect(await run(whole({ results: failed('server-down') }), [add('a'), add('b')])).toEqual({ outcomes: [doubt, doubt] });
    expect(await run(whole({ results: failed('already-exists') }))).toMatchObject({ outcomes: [{ status: 'refused', error: { code: 'already-exists' } }] });
  });

  it('R13 R19 a value that the types do not have refuses its own change, which is not sent; the others go on', async () => {
    const put: string[] = [];
    const connector: Partial<Connector> = {
      openExport: async () => ({
        async put(changes) {
          put.push(...changes.map(({ id }) => id));
          return changes.map(({ id }) => ({ id }));
        },
        close: async () => undefined,
      }),
    };
    const wrong: EncodedChange = { ...add('b'), changes: [{ name: 'id', modification: 'add', values: [true] }] };
    const refused = { status: 'refused', error: { code: 'invalid-attribute-value', detail: { attribute: 'id' } } };
    expect(await run(connector, [add('a'), wrong, add('c')])).toMatchObject({ outcomes: [{ status: 'applied' }, refused, { status: 'applied' }] });
    expect(await run(connector, [wrong])).toMatchObject({ outcomes: [refused] });
    expect(put).toEqual(['a', 'c']);
  });

  it('R13 R14 SEC-46 a result that cannot be read leaves its own entry in doubt: it may well have been applied', async () => {
    const results = Promise.resolve([{ id: 'a', attributes: { nobody: 'knows' } }, { id: 'b' }]);
    expect(await run(whole({ results }), [add('a'), add('b')])).toMatchObject({
      outcomes: [{ status: 'in-doubt', error: { code: 'invalid-data' } }, { status: 'applied' }],
    });
    expect(await run(whole({ results: Promise.resolve([{ id: 'a', anchor: { id: 1n } }]) }))).toMatchObject({ outcomes: [{ status: 'in-doubt' }] });
  });

  it('that closed badly says so beside the outcomes (R17)', async () => {
    expect(await run(whole({ results: Promise.resolve([{ id: 'a' }]), closed: failed('server-down') }))).toEqual({
      outcomes: [{ status: 'applied' }],
      closeError: expect.objectContaining({ code: 'server-down' }),
    });
  });

  it('that takes too long is told to end, and what it then says is what counts (R14)', async () => {
    vi.useFakeTimers();
    try {
      const untilAborted: Partial<Connector> = {
        exportBatch: async (_context, { signal }) => {
          const end = new Promise<readonly EntryResult[]>((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('killed'))));
          return { opened: Promise.resolve(), results: end, closed: end.then(() => undefined) };
        },
      };
      const outcome = run(untilAborted, [add('a')], 1000);
      await vi.advanceTimersByTimeAsync(1000);
      expect(await outcome).toMatchObject({
        outcomes: [{ status: 'in-doubt', error: { code: 'timeout', message: expect.stringContaining('1 seconds') } }],
        closeError: { message: 'killed' },
      });
      // A worker that does not even start: nothing was sent to it.
      const never = run({ exportBatch: () => new Promise(() => {}) });
      await vi.advanceTimersByTimeAsync(60_000);
      expect(await never).toMatchObject({ refused: { code: 'timeout' } });
    } finally {
      vi.useRealTimers();
    }
  });

  it('goes one call after the other where the connector has no other way, and closes as failed what failed', async () => {
    const calls: string[] = [];
    const inTurn = (results: () => Promise<readonly EntryResult[]>): Partial<Connector> => ({
      exportBatch: async () => undefined,
      openExport: async () => ({
        put: async () => results(),
        close: async (reason) => void calls.push(reason),
      }),
    });
    expect(await run(inTurn(async () => [{ id: 'a' }]))).toEqual({ outcomes: [{ status: 'applied' }] });
    expect(await run(inTurn(() => failed('server-down')))).toMatchObject({ outcomes: [{ status: 'in-doubt' }] });
    expect(calls).toEqual(['normal', 'failed']);
    expect(await run({ openExport: () => failed('server-down') })).toMatchObject({ refused: { code: 'server-down' } });
  });
});
