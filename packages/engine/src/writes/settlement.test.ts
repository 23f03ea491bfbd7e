import { compileSchema, defaultCapabilities, type EncodedAttributes, type EntryFilter } from '@landbridge/connector-sdk';
import type { EntryRow, JournalRow } from '@landbridge/store';
import { describe, expect, it } from 'vitest';
import type { FoundEntries } from '../connector-host/connector-handle.ts';
import { noEffect, type WriteInFlight, type WriteStep } from './planned-write.ts';
import { createSettlement, identifyingFilter, type SettlementOptions } from './settlement.ts';

const objectTypes = compileSchema(
  {
    objectTypes: [
      {
        name: 'person',
        attributes: [
          { name: 'id', type: 'integer', anchor: true, assigned: true },
          { name: 'login', type: 'string', unique: true },
          { name: 'title', type: 'string' },
        ],
      },
    ],
  },
  { dnAsAnchor: false },
);
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

function put(modification: 'add' | 'update' | 'delete', set: EncodedAttributes): WriteStep {
  const anchor = modification === 'add' ? {} : { anchor: { id: '7' } };
  return {
    call: 'put',
    change: {
      modification,
      objectType: 'person',
      ...anchor,
      changes: Object.entries(set).map(([name, value]) => ({ name, modification: 'replace', values: [value as string] })),
    },
    effect: { set, unset: [], references: [], awaiting: Object.keys(set) },
  };
}

function write(steps: readonly WriteStep[], kind: WriteInFlight['kind'] = 'add'): WriteInFlight {
  return {
    journalId: 1,
    entryId: 5,
    kind,
    objectType: 'person',
    claims: kind === 'add' ? [{ objectType: 'person', attribute: 'login', key: 'ada' }] : [],
    steps,
    audit: { actor: 'test', action: kind, attributes: [], correlation: 'c' },
    password: undefined,
    nextStep: 0,
    applied: noEffect,
    anchor: undefined,
    sentAt: undefined,
    alone: true,
    answer: () => {},
    doubted: () => {},
  };
}

/** What no test of a settlement is about, unless it says so. */
const asEver = {
  objectTypes,
  store: { recordAttempt: async () => {} },
  reader: { readByAnchor: async () => undefined, readEntry: async () => undefined, readJournalRow: async () => undefined },
  log: quiet,
  now: () => 0,
  elapsed: () => 0,
  lingerMilliseconds: 0,
};

function settle(found: FoundEntries | Error, one: WriteInFlight, overrides: Partial<SettlementOptions> = {}) {
  return new Promise<string>((resolve) => {
    const settlement = createSettlement({
      handle: {
        quiesced: async () => {},
        find: async () => {
          if (found instanceof Error) throw found;
          return found;
        },
      },
      capabilities: { ...defaultCapabilities, find: true },
      ...asEver,
      resend: () => resolve('resent'),
      conclude: (_, outcome) => resolve(outcome.state === 'refused' ? `refused ${outcome.error.code}` : outcome.state),
      requestImport: () => resolve('import requested'),
      ...overrides,
    });
    settlement.take(one, { code: 'timeout', message: 'no answer' });
  });
}

const entry = (attributes: EncodedAttributes): FoundEntries => ({
  entries: [{ objectType: 'person', anchor: '7', attributes: { id: '7', ...attributes } }],
  truncated: false,
});
const none: FoundEntries = { entries: [], truncated: false };

describe('R14 settling a write in doubt by looking', () => {
  it('a create that the application shows as wanted was applied, and its anchor is learnt', async () => {
    const one = write([put('add', { login: 'ada', title: 'Dr' })]);
    expect(await settle(entry({ login: 'ADA', title: 'Dr' }), one)).toBe('applied');
    expect(one.applied.anchor).toBe('7');
    expect(one.anchor).toEqual({ id: '7' });
  });

  it('a create that is not there is sent again', async () => {
    expect(await settle(none, write([put('add', { login: 'ada' })]))).toBe('resent');
  });

  it('R5 while the connector is behind after a restore nothing is looked at, and nothing sent again', async () => {
    let [behind, asked] = [true, 0];
    const overrides: Partial<SettlementOptions> = {
      // The fourth question comes after waits of 0, 200 and 500 ms: the connector has caught up then.
      paused: () => {
        asked += 1;
        behind = asked < 4;
        return behind;
      },
      store: {
        recordAttempt: async () => {
          expect(behind).toBe(false);
        },
      },
      resend: () => {
        expect(behind).toBe(false);
        throw new Error('sent again');
      },
    };
    const handle = {
      quiesced: async () => {},
      find: async () => {
        expect(behind).toBe(false);
        return entry({ login: 'ada' });
      },
    };
    expect(await settle(none, write([put('add', { login: 'ada' })]), { ...overrides, handle })).toBe('applied');
    expect(asked).toBe(4);
  });

  it('a create whose unique value another object holds is refused, never merged (R9)', async () => {
    expect(await settle(entry({ login: 'ada', title: 'Mr' }), write([put('add', { login: 'ada', title: 'Dr' })]))).toBe('refused already-exists');
    const known = { id: 99 } as EntryRow;
    const overrides = {
      reader: { readByAnchor: async () => known, readEntry: async () => undefined, readJournalRow: async () => undefined },
    };
    expect(await settle(entry({ login: 'ada' }), write([put('add', { login: 'ada' })]), overrides)).toBe('refused already-exists');
  });

  it('an update that shows was applied, one that does not is sent again', async () => {
    const shown = write([put('update', { title: 'Dr' })], 'update');
    expect(await settle(entry({ title: 'Dr' }), shown)).toBe('applied');
    expect(shown.applied.set).toEqual({ title: 'Dr' });
    expect(await settle(entry({ title: 'Mr' }), write([put('update', { title: 'Dr' })], 'update'))).toBe('resent');
  });

  it('a delete is applied when the object is gone, and sent again when it is not', async () => {
    expect(await settle(none, write([put('delete', {})], 'delete'))).toBe('applied');
    expect(await settle(entry({}), write([put('delete', {})], 'delete'))).toBe('resent');
  });

  it('without a look-up a state-based update is repeated, and a create waits for an import', async () => {
    const blind = { capabilities: defaultCapabilities };
    expect(await settle(none, write([put('update', { title: 'Dr' })], 'update'), blind)).toBe('resent');
    expect(await settle(none, write([put('add', { login: 'ada' })]), blind)).toBe('import requested');
  });

  it('goes on with the next step when the first was applied', async () => {
    const one = write([put('add', { login: 'ada' }), { call: 'set-password' }]);
    expect(await settle(entry({ login: 'ada' }), one)).toBe('resent');
    expect(one.nextStep).toBe(1);
  });

  it.each([
    [23, 'resent'],
    [25, 'refused entry-failed'],
  ])('R21 a password that could not be set for %d hours: %s', async (hours, outcome) => {
    const one = write([{ call: 'set-password' }], 'update');
    const readJournalRow = async () => ({ at: 0 }) as JournalRow;
    const reader = { readByAnchor: async () => undefined, readEntry: async () => undefined, readJournalRow };
    expect(await settle(none, one, { reader, now: () => hours * 3_600_000 })).toBe(outcome);
  });

  it('asks again while the application cannot be reached', async () => {
    let asked = 0;
    const outcome = await settle(none, write([put('delete', {})], 'delete'), {
      handle: {
        quiesced: async () => {},
        find: async () => {
          asked += 1;
          if (asked < 3) throw Object.assign(new Error('down'), { name: 'ConnectorError', code: 'server-down' });
          return none;
        },
      },
    });
    expect(outcome).toBe('applied');
    expect(asked).toBe(3);
  });

  it('concludes nothing before the call that went wrong has ended', async () => {
    let ended = false;
    const outcome = await settle(none, write([put('delete', {})], 'delete'), {
      handle: {
        quiesced: () =>
          new Promise((resolve) =>
            setTimeout(() => {
              ended = true;
              resolve();
            }, 20),
          ),
        find: async () => {
          expect(ended).toBe(true);
          return none;
        },
      },
    });
    expect(outcome).toBe('applied');
  });

  it('a write whose result cannot be stored comes back and waits longer each time, instead of turning in circles', async () => {
    let conclusions = 0;
    const again = write([put('delete', {})], 'delete');
    const settlement = createSettlement({
      handle: { quiesced: async () => {}, find: async () => none },
      capabilities: { ...defaultCapabilities, find: true },
      ...asEver,
      resend: () => {},
      conclude: (one) => {
        conclusions += 1;
        one.nextStep = 0;
        settlement.take(one, { code: 'unknown', message: 'the host could not store the change' });
      },
      requestImport: () => {},
    });
    settlement.take(again, { code: 'unknown', message: '' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(conclusions).toBe(1);
    settlement.close();
  });

  it('R14 after a lost session "absent" counts only once the command time-out of the application has passed', async () => {
    const times = [0, 50, 99, 100];
    let looks = 0;
    const one = write([put('add', { login: 'ada' })]);
    const outcome = await settle(none, one, {
      lingerMilliseconds: 100,
      // Set forward while the application is at it.
      now: () => looks * 86_400_000,
      elapsed: () => times[Math.min(looks, 3)] ?? 100,
      store: { recordAttempt: async () => {} },
      handle: {
        quiesced: async () => {},
        find: async () => {
          looks += 1;
          return none;
        },
      },
    });
    expect(outcome).toBe('resent');
    expect(looks).toBe(3);
  });

  it('R14 an import decides when it began after the doubt, whatever the clock of the machine was set to in between', async () => {
    let [asked, machine] = [() => {}, 86_400_000];
    const requested = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const sent: string[] = [];
    const settlement = createSettlement({
      ...asEver,
      handle: { quiesced: async () => {}, find: async () => none },
      capabilities: defaultCapabilities,
      now: () => machine,
      elapsed: () => 10,
      resend: () => sent.push('resent'),
      conclude: () => sent.push('concluded'),
      requestImport: () => {
        machine = 0;
        asked();
      },
    });
    settlement.take(write([put('add', { login: 'ada' })]), { code: 'unknown', message: 'no answer' });
    await requested;
    settlement.importEnded(9, '');
    expect(sent).toEqual([]);
    settlement.importEnded(11, '');
    expect(sent).toEqual(['resent']);
    settlement.close();
  });

  it('R14 what shows before the command time-out has passed was applied, at once', async () => {
    const outcome = await settle(entry({ login: 'ada' }), write([put('add', { login: 'ada' })]), { lingerMilliseconds: 1e9 });
    expect(outcome).toBe('applied');
  });

  it('an operator decides what nothing else can', async () => {
    const outcomes: string[] = [];
    const settlement = createSettlement({
      handle: { quiesced: () => new Promise(() => {}), find: async () => none },
      capabilities: defaultCapabilities,
      ...asEver,
      resend: () => {},
      conclude: (_, outcome) => outcomes.push(outcome.state),
      requestImport: () => {},
    });
    settlement.take(write([put('add', { login: 'ada' })]), { code: 'timeout', message: '' });
    expect(settlement.inDoubt.size).toBe(1);
    expect(settlement.decide(1, 'applied', 'ops')).toBe(true);
    expect(settlement.decide(1, 'applied', 'ops')).toBe(false);
    expect(outcomes).toEqual(['applied']);
    settlement.close();
  });
});

it('R14 a create is looked for by its key, else by what it claimed, else by all it set', () => {
  const person = objectTypes.get('person');
  if (person === undefined) throw new Error('no type');
  const names = (filter: EntryFilter | undefined): string[] =>
    filter?.kind === 'and' ? filter.filters.map((part) => (part.kind === 'compare' ? part.attribute : part.kind)) : [];
  const add = put('add', { login: 'ada', title: 'Dr' }) as Extract<WriteStep, { call: 'put' }>;
  expect(names(identifyingFilter(add, { claims: [{ objectType: 'person', attribute: 'login', key: 'ada' }], anchor: undefined }, person))).toEqual(['login']);
  expect(names(identifyingFilter(add, { claims: [], anchor: undefined }, person))).toEqual(['login', 'title']);
  const update = put('update', { title: 'Dr' }) as Extract<WriteStep, { call: 'put' }>;
  expect(names(identifyingFilter(update, { claims: [], anchor: undefined }, person))).toEqual(['id']);
});

describe('R14 an application that can be neither imported nor searched', () => {
  const blind = { capabilities: { ...defaultCapabilities, import: false, find: false } };

  it('a write in doubt is repeated, whatever it is, and the journal says that nobody can verify it', async () => {
    const notes: string[] = [];
    const store = { recordAttempt: async (_: number, { note }: { readonly note: string }) => void notes.push(note) };
    expect(await settle(none, write([put('add', { login: 'ada' })]), { ...blind, store })).toBe('resent');
    expect(notes).toEqual([expect.stringMatching(/^unverifiable/)]);
  });

  it('a repeated create that exists was applied', async () => {
    const one = write([put('add', { login: 'ada' })]);
    const answer = new Promise<string>((resolve) => {
      const settlement = createSettlement({
        handle: { quiesced: async () => {}, find: async () => none },
        ...blind,
        ...asEver,
        resend: (again) => settlement.take(again, { code: 'already-exists', message: 'there is one' }),
        conclude: (_, outcome) => resolve(outcome.state),
        requestImport: () => resolve('import requested'),
      });
      settlement.take(one, { code: 'timeout', message: 'no answer' });
    });
    expect(await answer).toBe('applied');
    expect(one.applied.set).toEqual({ login: 'ada' });
  });
});
