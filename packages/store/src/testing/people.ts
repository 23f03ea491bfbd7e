import { hash } from 'node:crypto';
import {
  type AuditRecord,
  type ConnectorReader,
  type ConnectorStore,
  type EntryEffect,
  type EntryRow,
  type ImportedEntry,
  type Intent,
  type IntentOutcome,
  noCounts,
  type PageOutcome,
  type StepEnd,
  type StoreAttribute,
  type StoreModel,
  type WriteResult,
  type WrittenEntry,
} from '../connector-store.ts';

const attribute = { type: 'string', multiValued: false, caseExact: true, queryable: false, unique: false, exportOnly: false } as const;
const personAttributes: readonly StoreAttribute[] = [
  { ...attribute, name: 'id', queryable: true },
  { ...attribute, name: 'login', caseExact: false, queryable: true, unique: true },
  { ...attribute, name: 'title', queryable: true },
  { ...attribute, name: 'note', caseExact: false },
  { ...attribute, name: 'mails', caseExact: false, multiValued: true, queryable: true },
  { ...attribute, name: 'badges', multiValued: true },
  { ...attribute, name: 'level', type: 'integer', queryable: true },
  { ...attribute, name: 'remote', type: 'boolean', queryable: true },
  { ...attribute, name: 'secret', exportOnly: true },
  { ...attribute, name: 'manager', type: 'reference', referenceTypes: ['person'] },
];

/** The model of the suite: people with every kind of attribute, and groups of them. */
export const model: StoreModel = {
  connector: 'hr',
  normalizations: [],
  referenceForm: 'anchor',
  objectTypes: [
    { name: 'person', attributes: personAttributes },
    {
      name: 'group',
      attributes: [
        { ...attribute, name: 'id', queryable: true },
        { ...attribute, name: 'name', caseExact: false, queryable: true },
        { ...attribute, name: 'members', type: 'reference', multiValued: true, referenceTypes: ['person', 'group'] },
      ],
    },
  ],
};

/** The same with names in a directory: references are distinguished names, compared without regard to case. */
export const directoryModel: StoreModel = { ...model, referenceForm: 'dn', normalizations: ['uppercase'] };

export const request = { credential: 'client', method: 'PATCH', target: '/Users', key: 'key', correlation: 'c1' };
export const audit: AuditRecord = { at: 5, actor: 'client', action: 'update', attributes: ['title'], result: 'applied', correlation: 'c1' };

type Values = Readonly<Record<string, string | boolean | readonly string[]>>;

const digest = (text: string): string => hash('sha256', text, 'base64').slice(0, 22);

/** A person as the connector's thread prepares it: encoded, in schema order, hashed. */
export function person(id: string, values: Values = {}, dn?: string): ImportedEntry {
  const attributes: Record<string, string | boolean | readonly string[]> = {};
  for (const { name } of personAttributes) {
    const value = name === 'id' ? id : values[name];
    if (value !== undefined) attributes[name] = value;
  }
  const body = JSON.stringify(attributes);
  return {
    op: 'put',
    objectType: 'person',
    anchor: id,
    ...(dn === undefined ? {} : { dn }),
    body,
    hash: digest(`${body}\n${dn ?? ''}`),
    references: [],
  };
}

/** A group with its members. */
export function group(id: string, members: readonly string[], name = `Group ${id}`): ImportedEntry {
  const body = JSON.stringify({ id, name });
  const values = [...members].sort();
  const references = [{ attribute: 'members', values, hash: digest(values.join('\n')) }];
  return { op: 'put', objectType: 'group', anchor: id, body, hash: digest(body), references };
}

/** An effect that sets values, awaited by the next import. */
export function sets(set: EntryEffect['set'], more: Partial<EntryEffect> = {}): EntryEffect {
  return { set, unset: [], references: [], awaiting: Object.keys(set), ...more };
}

interface StepOptions {
  readonly kind?: 'full' | 'delta';
  readonly partition?: string;
  readonly objectTypes?: readonly string[];
  readonly runId?: number;
}

/** What the tests do with a store, in a few words each. */
export interface Driver {
  begin(options?: StepOptions): Promise<{ readonly runId: number; readonly stepId: number; readonly watermark?: string }>;
  end(stepId: number, end?: Partial<StepEnd> & { readonly complete?: boolean }): Promise<{ readonly removed: number; readonly planned: number }>;
  /** A whole import: one page, removals, end. */
  import(
    entries: readonly ImportedEntry[],
    options?: StepOptions & Partial<StepEnd>,
  ): Promise<PageOutcome & { readonly removed: number; readonly runId: number }>;
  intend(intent: Partial<Intent> & Pick<Intent, 'kind'>): Promise<IntentOutcome>;
  finish(outcome: IntentOutcome, result?: Partial<WriteResult>): Promise<WrittenEntry | undefined>;
  write(intent: Partial<Intent> & Pick<Intent, 'kind'>, result?: Partial<WriteResult>): Promise<WrittenEntry | undefined>;
  row(anchor: string, objectType?: string): Promise<EntryRow | undefined>;
  values(anchor: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** Anchors of the people that a filter finds, in order. */
  members(groupAnchor: string): Promise<readonly (string | undefined)[]>;
}

/** Makes the words for an open store. */
export function createDriver(store: ConnectorStore, reader: ConnectorReader): Driver {
  const row: Driver['row'] = (anchor, objectType = 'person') => reader.readByAnchor(objectType, anchor);

  const begin: Driver['begin'] = async (options = {}) => {
    const runId = options.runId ?? (await store.beginRun({ profile: 'full', startedBy: 'test', at: 1 })).runId;
    const step = await store.beginStep({
      runId,
      kind: options.kind ?? 'full',
      partition: options.partition ?? '',
      objectTypes: options.objectTypes ?? ['person', 'group'],
      at: 2,
    });
    return { runId, ...step };
  };

  const end: Driver['end'] = async (stepId, options = {}) => {
    const { complete, ...given } = options;
    const plans = await store.planRemovals(stepId, { complete: complete ?? true });
    let removed = 0;
    for (let done = false; !done; ) {
      const chunk = await store.removeUnshown(stepId);
      removed += chunk.removed;
      done = chunk.done;
    }
    if (given.hold === undefined)
      for (let done = false; !done; ) {
        const chunk = await store.removeChunk(stepId);
        removed += chunk.removed;
        done = chunk.done;
      }
    await store.endStep(stepId, { result: given.hold === undefined ? 'success' : 'held', counts: noCounts, errors: [], errorCount: 0, at: 3, ...given });
    return { removed, planned: plans.reduce((sum, plan) => sum + plan.removals, 0) };
  };

  const intend: Driver['intend'] = async (intent) => {
    const [outcome] = await store.commitIntents([{ objectType: 'person', claims: [], steps: '["call"]', effect: sets({}), request, at: 4, ...intent }]);
    if (outcome === undefined) throw new Error('no outcome');
    return outcome;
  };

  const finish: Driver['finish'] = async (outcome, result = {}) => {
    if (outcome.status !== 'intended') throw new Error(`the intent was ${outcome.status}`);
    const [written] = await store.commitResults([{ journalId: outcome.journalId, state: 'applied', audit, at: 5, ...result }]);
    return written;
  };

  return {
    begin,
    end,
    intend,
    finish,
    row,
    async import(entries, options = {}) {
      const { kind, partition, objectTypes, runId: given, ...ending } = options;
      const { runId, stepId } = await begin({
        ...(kind === undefined ? {} : { kind }),
        ...(partition === undefined ? {} : { partition }),
        ...(objectTypes === undefined ? {} : { objectTypes }),
        ...(given === undefined ? {} : { runId: given }),
      });
      const outcome = await store.applyPage(stepId, entries);
      const { removed } = await end(stepId, ending);
      await store.endRun(runId, 'success');
      return { ...outcome, removed, runId };
    },
    write: async (intent, result) => finish(await intend(intent), result),
    async values(anchor) {
      const found = await row(anchor);
      return found === undefined ? undefined : (JSON.parse(found.body) as Readonly<Record<string, unknown>>);
    },
    async members(groupAnchor) {
      const found = await row(groupAnchor, 'group');
      const list = await reader.readReferences(found?.id ?? 0, 'members', { limit: 1000 });
      return list.map((one) => (one.scimId === undefined ? undefined : one.raw)).sort();
    },
  };
}
