import { type Capabilities, type CompiledObjectType, type EncodedAttributes, type EncodedValue, toErrorData } from '@landbridge/connector-sdk';
import type { ConnectorReader, ConnectorStore, DriftRow, JournalRow, ReferenceDelta } from '@landbridge/store';
import type { ConnectorWrites } from '../connector-writes.ts';
import type { HostLog } from '../host.ts';
import { needsWholeEntry, pickAnchor, planUpdate } from '../writes/plan-write.ts';
import type { PlannedWrite, WriteAnswer } from '../writes/planned-write.ts';
import { isShadow } from '../writes/shadow.ts';
import { isPresentable, readAllReferences } from './full-export.ts';

/**
 * Exports again what an application did not keep (R20), where the owner opted in.
 *
 * 1. Only where the value of before is still there: a value that somebody else chose is believed.
 * 2. At most {@link ATTEMPTS} times for what a client wrote: the correlation of each attempt names the write and counts.
 * 3. Never a delete, never a password, never what mode shadow only recorded.
 * 4. It is a write like any other: journalled, alone under the lock of its entry, settled when in doubt, awaited by the next import.
 * 5. What is to be exported again is durable with the page that showed it, until it was: a restart takes it up.
 */
export type ReExport = () => Promise<void>;

const ATTEMPTS = 3;
const CHUNK = 100;
const CORRELATION = /^re-export-(\d+)-(\d+)$/;

/** Makes the re-export of a connector. */
export function createReExport(options: {
  readonly store: Pick<ConnectorStore, 'settleDrifts'>;
  readonly reader: Pick<ConnectorReader, 'readDrifts' | 'readEntry' | 'readJournalRow' | 'readReferences' | 'presentReferences'>;
  readonly capabilities: Capabilities;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  readonly log: HostLog;
  perform(...values: Parameters<ConnectorWrites['perform']>): ReturnType<ConnectorWrites['perform']>;
}): ReExport {
  const { reader, capabilities, objectTypes, log } = options;

  /** The write that what is not there goes back to, and how often it was exported again by now. */
  async function originOf(journalId: number): Promise<{ readonly origin: number; readonly attempt: number } | undefined> {
    const row = await reader.readJournalRow(journalId);
    if (row === undefined || row.kind === 'delete' || isShadow(JSON.parse(row.steps) as PlannedWrite['steps'])) return undefined;
    const [, origin, attempt] = CORRELATION.exec(isOurs(row) ? row.request.correlation : '') ?? [];
    return { origin: Number(origin ?? journalId), attempt: Number(attempt ?? 0) + 1 };
  }

  async function plan(entryId: number, drifts: DriftRow['drifts'], correlation: string): Promise<PlannedWrite | WriteAnswer> {
    const row = await reader.readEntry(entryId);
    const objectType = objectTypes.get(row?.objectType ?? '');
    if (row === undefined || objectType === undefined || !isPresentable(row)) return { status: 'gone' };
    const attributes = JSON.parse(row.body) as EncodedAttributes;
    const delta = await deltaOf(reader, entryId, attributes, drifts);
    if (Object.keys(delta.set).length + delta.unset.length + delta.references.length === 0) return { status: 'gone' };
    const allReferences = needsWholeEntry(capabilities, {}) ? await readAllReferences(reader, objectType, entryId) : undefined;
    const current = { attributes, dn: row.dn, anchor: pickAnchor(objectType, attributes), ...(allReferences === undefined ? {} : { allReferences }) };
    const { steps, effect, claims } = planUpdate(objectType, capabilities, current, delta, { withPassword: false });
    const there = row.partition === '' ? {} : { partition: row.partition };
    return {
      kind: 'update',
      objectType: objectType.name,
      entryId,
      expectedVersion: row.version,
      claims,
      steps: steps.map((step) => ({ ...step, ...there })),
      effect,
      request: { credential: ACTOR, method: METHOD, target: row.scimId, key: correlation, correlation },
      audit: { actor: ACTOR, action: 're-export', objectType: objectType.name, resource: row.scimId, attributes: effect.awaiting, correlation },
    };
  }

  /** Whether it is done with: a write that another one overtook is looked at again after the next run. */
  async function exportAgain({ journalId, entryId, drifts }: DriftRow): Promise<boolean> {
    const origin = await originOf(journalId);
    if (origin === undefined) return true;
    if (origin.attempt > ATTEMPTS) {
      log.warn({ journal: origin.origin, attributes: drifts.map((one) => one.attribute) }, 'the application does not keep a value; it is not exported again');
      return true;
    }
    const correlation = `re-export-${origin.origin}-${origin.attempt}`;
    const answer = await options.perform(correlation, entryId, () => plan(entryId, drifts, correlation));
    log.info({ journal: origin.origin, attempt: origin.attempt, answer: answer.status }, 'a value that the application did not keep was exported again');
    return answer.status !== 'conflict';
  }

  async function exportAll(): Promise<void> {
    for (let after = 0; ; ) {
      const rows = await reader.readDrifts({ after, limit: CHUNK });
      for (const row of rows) {
        after = row.journalId;
        try {
          if (await exportAgain(row)) await options.store.settleDrifts([row.journalId]);
        } catch (error) {
          log.warn({ journal: row.journalId, reason: toErrorData(error).message }, 'a value could not be exported again');
        }
      }
      if (rows.length < CHUNK) return;
    }
  }

  let under: Promise<void> = Promise.resolve();
  return () => {
    // One after the other: what the one before did is settled when the next one reads.
    under = under
      .then(exportAll)
      .catch((error: unknown) => log.warn({ reason: toErrorData(error).message }, 'what the application did not keep is looked at later'));
    return under;
  };
}

const METHOD = 'REEXPORT';
const ACTOR = 're-export';
const isOurs = (row: JournalRow): boolean => row.request.method === METHOD;

/** What is still as the import showed it, as a change to what was wanted. */
async function deltaOf(
  reader: Pick<ConnectorReader, 'presentReferences'>,
  entryId: number,
  attributes: EncodedAttributes,
  drifts: DriftRow['drifts'],
): Promise<{ readonly set: EncodedAttributes; readonly unset: readonly string[]; readonly references: readonly ReferenceDelta[] }> {
  const set: Record<string, EncodedValue | readonly EncodedValue[]> = {};
  const unset: string[] = [];
  const references: ReferenceDelta[] = [];
  for (const { attribute, drift } of drifts) {
    if ('missing' in drift) {
      const there = await reader.presentReferences(entryId, attribute, [...drift.missing, ...drift.left]);
      const added = drift.missing.filter((raw) => !there.has(raw));
      const removed = drift.left.filter((raw) => there.has(raw));
      if (added.length + removed.length > 0) references.push({ attribute, replace: false, added, removed });
    } else if (JSON.stringify(attributes[attribute] ?? null) !== JSON.stringify(drift.found)) continue;
    else if (drift.wanted === null) unset.push(attribute);
    else set[attribute] = drift.wanted;
  }
  return { set, unset, references };
}
