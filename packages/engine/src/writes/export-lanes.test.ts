import { compileSchema, defaultCapabilities } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { configurationDefaults } from '../configuration.ts';
import type { EncodedChange, ExportHandle, PutOutcome } from '../connector-host/connector-handle.ts';
import { createExportLanes, type ExportLaneOptions } from './export-lanes.ts';

interface Sent {
  readonly id: string;
  readonly alone?: boolean;
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

function setUp(
  overrides: Partial<ExportLaneOptions<Sent>>,
  behaviour: { put?(changes: readonly EncodedChange[]): Promise<readonly PutOutcome[]>; close?: ExportHandle['close'] } = {},
) {
  const log: string[] = [];
  const delivered = new Map<string, PutOutcome>();
  const lanes = createExportLanes<Sent>({
    handle: {
      openExport: async () => {
        log.push('open');
        return {
          put: async (changes) => {
            log.push(`put ${changes.map((change) => change.id).join(',')}`);
            return behaviour.put?.(changes) ?? changes.map(() => ({ status: 'applied' as const }));
          },
          close: async (reason) => {
            log.push(`close ${reason}`);
            return behaviour.close?.(reason) ?? {};
          },
        };
      },
    },
    capabilities: { ...defaultCapabilities, isolatedEntries: true },
    objectTypes: new Map(),
    session: configurationDefaults.session,
    callMilliseconds: 1000,
    change: ({ id }) => ({ id, modification: 'add', objectType: 'person', changes: [] }),
    alone: (item) => item.alone === true,
    deliver: (item, outcome) => {
      log.push(`deliver ${item.id}`);
      delivered.set(item.id, outcome);
    },
    closeFailed: () => log.push('close failed'),
    ...overrides,
  });
  return { lanes, log, delivered };
}

describe('export lanes', () => {
  it('R17 a result counts after its session was closed', async () => {
    const { lanes, log } = setUp({});
    lanes.send({ id: 'a' });
    lanes.send({ id: 'b' });
    await settled();
    expect(log).toEqual(['open', 'put a,b', 'close normal', 'deliver a', 'deliver b']);
  });

  it('R17 a failing close puts what the session applied in doubt, and leaves refusals refused', async () => {
    const { lanes, delivered } = setUp(
      {},
      {
        put: async () => [{ status: 'applied' }, { status: 'refused', error: { code: 'already-exists', message: 'x' } }],
        close: async () => ({ error: { code: 'server-down', message: 'gone' } }),
      },
    );
    lanes.send({ id: 'a' });
    lanes.send({ id: 'b' });
    await settled();
    expect(delivered.get('a')?.status).toBe('in-doubt');
    expect(delivered.get('b')?.status).toBe('refused');
  });

  it('R17 a session stays open over bursts only where results apply at once', async () => {
    const { lanes, log } = setUp({ capabilities: { ...defaultCapabilities, isolatedEntries: true, resultsApply: 'at-once' } });
    lanes.send({ id: 'a' });
    await settled();
    lanes.send({ id: 'b' });
    await settled();
    expect(log.filter((line) => line === 'open')).toHaveLength(1);
    await lanes.close();
    expect(log.at(-1)).toBe('close shutting-down');
  });

  it('R18 sends batches of one to a connector whose bad entry fails its neighbours, one call at a time', async () => {
    let underWay = 0;
    let most = 0;
    const { lanes, log } = setUp(
      { capabilities: defaultCapabilities },
      {
        put: async (changes) => {
          underWay += 1;
          most = Math.max(most, underWay);
          await settled();
          underWay -= 1;
          return changes.map(() => ({ status: 'applied' }));
        },
      },
    );
    for (const id of ['a', 'b', 'c']) lanes.send({ id });
    await lanes.close();
    await settled();
    await lanes.close();
    expect(log.filter((line) => line.startsWith('put'))).toEqual(['put a', 'put b', 'put c']);
    expect(most).toBe(1);
  });

  it('R18 works in as many sessions as the connector takes parallel writes', async () => {
    let underWay = 0;
    let most = 0;
    const { lanes } = setUp(
      { capabilities: { ...defaultCapabilities, isolatedEntries: true, parallelWrites: 3 } },
      {
        put: async (changes) => {
          underWay += 1;
          most = Math.max(most, underWay);
          await settled();
          underWay -= 1;
          return changes.map(() => ({ status: 'applied' }));
        },
      },
    );
    for (let index = 0; index < 30; index += 1) lanes.send({ id: String(index) });
    await settled();
    await lanes.close();
    expect(most).toBe(3);
  });

  it('R18 over several sessions, what is needed is done before what needs it begins, and a delete waits for who lets go', async () => {
    const objectTypes = compileSchema(
      { objectTypes: [{ name: 'object', attributes: [{ name: 'member', type: 'reference', multiValued: true }] }] },
      { dnAsAnchor: true },
    );
    const changes: Record<string, Omit<EncodedChange, 'id'>> = {
      child: { modification: 'add', objectType: 'object', dn: 'CN=a,OU=x', changes: [] },
      parent: { modification: 'add', objectType: 'object', dn: 'OU=x', changes: [] },
      gone: { modification: 'delete', objectType: 'object', dn: 'CN=b', changes: [] },
      group: { modification: 'update', objectType: 'object', dn: 'CN=g', changes: [{ name: 'member', modification: 'update', added: [], removed: ['CN=b'] }] },
      other: { modification: 'add', objectType: 'object', dn: 'CN=o', changes: [] },
    };
    let underWay: string[] = [];
    const beside = new Map<string, readonly string[]>();
    const { lanes, log, delivered } = setUp(
      {
        objectTypes,
        capabilities: { ...defaultCapabilities, isolatedEntries: true, exportMaxBatch: 1, parallelWrites: 3 },
        change: ({ id }) => ({ id, ...(changes[id] as Omit<EncodedChange, 'id'>) }),
      },
      {
        put: async (batch) => {
          const ids = batch.map(({ id }) => id);
          underWay = [...underWay, ...ids];
          for (const id of ids) beside.set(id, [...underWay]);
          await settled();
          underWay = underWay.filter((id) => !ids.includes(id));
          return batch.map(() => ({ status: 'applied' }));
        },
      },
    );
    for (const id of Object.keys(changes)) lanes.send({ id });
    while (delivered.size < 5) await settled();
    await lanes.close();
    const place = (id: string): number => log.findIndex((line) => line.startsWith('put') && line.slice(4).split(',').includes(id));
    expect(place('parent')).toBeLessThan(place('child'));
    expect(place('group')).toBeLessThan(place('gone'));
    expect(beside.get('child')).not.toContain('parent');
    expect(beside.get('gone')).not.toContain('group');
    expect(beside.get('other')?.length).toBeGreaterThan(1);
  });

  it('R13 a write in doubt travels alone, and its session is not used again', async () => {
    const { lanes, log } = setUp(
      { capabilities: { ...defaultCapabilities, isolatedEntries: true, resultsApply: 'at-once' } },
      {
        put: async (changes) =>
          changes.map((change) => (change.id === 'b' ? { status: 'in-doubt', error: { code: 'timeout', message: 't' } } : { status: 'applied' })),
      },
    );
    lanes.send({ id: 'a' });
    lanes.send({ id: 'b', alone: true });
    lanes.send({ id: 'c' });
    await settled();
    await lanes.close();
    await settled();
    await lanes.close();
    expect(log.filter((line) => line.startsWith('put'))).toEqual(['put a', 'put b', 'put c']);
    expect(log.slice(0, 4)).toEqual(['open', 'put a', 'deliver a', 'put b']);
    expect(log.filter((line) => line === 'close failed')).toHaveLength(1);
    expect(log.filter((line) => line === 'open')).toHaveLength(2);
  });

  it('R13 a session that cannot be opened refuses what was not sent', async () => {
    const { lanes, delivered } = setUp({
      handle: {
        openExport: async () => {
          throw Object.assign(new Error('down'), { name: 'ConnectorError', code: 'server-down' });
        },
      },
    });
    lanes.send({ id: 'a' });
    await settled();
    expect(delivered.get('a')).toEqual({ status: 'refused', error: { code: 'server-down', message: 'down' } });
  });
});
