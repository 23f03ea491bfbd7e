import { type CompiledObjectType, type EncodedAttributes, foldCase } from '@landbridge/connector-sdk';
import type { ConnectorReader, EntryRow, JournalRow, JournalState } from '@landbridge/store';
import type { EncodedAttributeChange } from './connector-host/connector-handle.ts';
import type { WriteStep } from './writes/planned-write.ts';
import { isShadow } from './writes/shadow.ts';

/**
 * What an import said of a write that mode shadow recorded (R31): `waiting` for one that begins after it; the application shows the
 * `same`, or something `different`; `not-compared`: an import came, and nothing of the write was left to be seen by it, because a later
 * one took its place or it set only what no import shows.
 */
export const shadowVerdicts = ['waiting', 'same', 'different', 'not-compared'] as const;
/** One of {@link shadowVerdicts}. */
export type ShadowVerdict = (typeof shadowVerdicts)[number];

/** A write of mode shadow: what would have been sent, and how the application differs. */
export interface ShadowRow {
  readonly id: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly kind: JournalRow['kind'];
  readonly objectType: string;
  readonly scimId: string | undefined;
  readonly credential: string;
  readonly verdict: ShadowVerdict;
  readonly calls: readonly ShadowCall[];
  /** Of a `different` write, as the space knows the application now. An empty `attribute` is the existence of the entry. */
  readonly differences: readonly ShadowDifference[];
}

/** A connector call that was not made. */
export type ShadowCall =
  | {
      readonly call: 'put';
      readonly modification: string;
      readonly anchor?: EncodedAttributes;
      readonly dn?: string;
      readonly newDn?: string;
      readonly changes: readonly EncodedAttributeChange[];
    }
  | { readonly call: 'set-password' };

/** What a write wanted of an attribute, and what the application has. */
export interface ShadowDifference {
  readonly attribute: string;
  readonly wanted: unknown;
  readonly found: unknown;
}

/** Which rows are wanted, newest first: those before an id, of one verdict. */
export interface ShadowPage {
  readonly verdict?: ShadowVerdict;
  readonly before?: number;
  readonly limit: number;
}

/** The states of the journal in which such rows are, by verdict. */
const STATES: Readonly<Record<ShadowVerdict, JournalState>> = {
  waiting: 'applied',
  same: 'confirmed',
  different: 'not-reimported',
  'not-compared': 'applied',
};
const PAGE = 200;

type Reader = Pick<ConnectorReader, 'readJournal' | 'readRuns' | 'readEntry' | 'readResource' | 'presentReferences'>;

/** The newest writes that mode shadow recorded. */
export async function readShadow(reader: Reader, objectTypes: ReadonlyMap<string, CompiledObjectType>, page: ShadowPage): Promise<readonly ShadowRow[]> {
  const states = page.verdict === undefined ? [...new Set(Object.values(STATES))] : [STATES[page.verdict]];
  const compared = await lastFullImport(reader);
  const found: ShadowRow[] = [];
  for (let before = page.before; ; ) {
    const rows = await reader.readJournal({ states, limit: PAGE, ...(before === undefined ? {} : { before }) });
    for (const row of rows) {
      const steps = JSON.parse(row.steps) as readonly WriteStep[];
      const verdict = verdictOf(row, compared);
      if (!isShadow(steps) || (page.verdict !== undefined && page.verdict !== verdict)) continue;
      const { id, at, kind, objectType, scimId, request } = row;
      const differences = verdict === 'different' ? await differencesOf(reader, objectTypes.get(objectType), row) : [];
      found.push({ id, at, kind, objectType, scimId, credential: request.credential, verdict, calls: steps.map(callOf), differences });
      if (found.length === page.limit) return found;
    }
    before = rows.at(-1)?.id;
    if (rows.length < PAGE || before === undefined) return found;
  }
}

function verdictOf(row: JournalRow, compared: number): ShadowVerdict {
  if (row.state === 'confirmed') return 'same';
  if (row.state === 'not-reimported') return 'different';
  return (row.resultAt ?? row.at) < compared ? 'not-compared' : 'waiting';
}

function callOf(step: WriteStep): ShadowCall {
  if (step.call === 'set-password') return { call: 'set-password' };
  const { modification, anchor, dn, newDn, changes } = step.change;
  return {
    call: 'put',
    modification,
    ...(anchor === undefined ? {} : { anchor }),
    ...(dn === undefined ? {} : { dn }),
    ...(newDn === undefined ? {} : { newDn }),
    changes,
  };
}

/** When the newest full import began that has ended with its data applied. */
async function lastFullImport(reader: Reader): Promise<number> {
  for (let before: number | undefined; ; ) {
    const runs = await reader.readRuns({ limit: PAGE, ...(before === undefined ? {} : { before }) });
    for (const run of runs)
      for (const step of run.steps) if (step.kind === 'full' && (step.result === 'success' || step.result === 'completed-with-errors')) return step.startedAt;
    before = runs.at(-1)?.id;
    if (runs.length < PAGE || before === undefined) return 0;
  }
}

async function differencesOf(reader: Reader, type: CompiledObjectType | undefined, row: JournalRow): Promise<readonly ShadowDifference[]> {
  const entry = row.kind === 'delete' ? await stillThere(reader, row) : await reader.readEntry(row.entryId);
  if (row.kind === 'delete') return entry === undefined ? [] : [{ attribute: '', wanted: 'no entry', found: 'an entry' }];
  if (entry === undefined) return [{ attribute: '', wanted: 'an entry', found: 'no entry' }];
  const body = JSON.parse(entry.body) as EncodedAttributes;
  const differences: ShadowDifference[] = [];
  for (const attribute of row.effect.awaiting) {
    const delta = row.effect.references.find((one) => one.attribute === attribute);
    if (delta !== undefined) {
      const present = await reader.presentReferences(entry.id, attribute, [...delta.added, ...delta.removed]);
      const missing = delta.added.filter((value) => !present.has(value));
      const left = delta.removed.filter((value) => present.has(value));
      if (missing.length > 0) differences.push({ attribute, wanted: missing, found: null });
      if (left.length > 0) differences.push({ attribute, wanted: null, found: left });
      continue;
    }
    const wanted = row.effect.set[attribute] ?? null;
    const found = body[attribute] ?? null;
    const fold = type?.attributes.get(attribute)?.type === 'string' && type.attributes.get(attribute)?.caseExact !== true;
    if (comparable(wanted, fold) !== comparable(found, fold)) differences.push({ attribute, wanted, found });
  }
  return differences;
}

async function stillThere(reader: Reader, row: JournalRow): Promise<EntryRow | undefined> {
  return row.scimId === undefined ? undefined : reader.readResource(row.scimId);
}

function comparable(value: EncodedAttributes[string] | null, fold: boolean): string {
  const list = value === null ? [] : Array.isArray(value) ? value : [value];
  return JSON.stringify(list.map((one) => (fold ? foldCase(String(one)) : String(one))).sort());
}
