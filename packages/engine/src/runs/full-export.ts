import { type Capabilities, type CompiledObjectType, type ConnectorErrorData, type EncodedAttributes, toErrorData } from '@landbridge/connector-sdk';
import type { ConnectorReader, EntryRow } from '@landbridge/store';
import type { ConnectorWrites } from '../connector-writes.ts';
import { readAllRaw } from '../reference-pages.ts';
import { pickAnchor, planPresentation } from '../writes/plan-write.ts';
import type { PlannedWrite, WriteAnswer } from '../writes/planned-write.ts';

/**
 * A full export (ECMA2 `FullExport`): every entry of a partition is presented to the connector as the space knows it, in a
 * session of its own kind.
 *
 * 1. Each entry is a write like any other: journalled before the call, alone under its lock, settled when in doubt (R12).
 * 2. What is presented is the state at its turn, each value from the newer of last import and last accepted write (R8).
 * 3. What waits for its anchor, or is not in the application, is not presented.
 */
export interface FullExport {
  run(task: FullExportTask): Promise<FullExportOutcome>;
}

export interface FullExportTask {
  readonly runId: number;
  readonly partition: string;
  readonly startedBy: string;
  progress(entries: number, errors: number): void;
  isCancelled(): boolean;
}

export interface FullExportOutcome {
  readonly entries: number;
  readonly errors: readonly { readonly entry: string; readonly error: ConnectorErrorData }[];
  readonly errorCount: number;
}

export interface FullExportOptions {
  readonly reader: Pick<ConnectorReader, 'query' | 'readEntry' | 'readReferences'>;
  readonly capabilities: Capabilities;
  readonly objectTypes: ReadonlyMap<string, CompiledObjectType>;
  perform(...values: Parameters<ConnectorWrites['perform']>): ReturnType<ConnectorWrites['perform']>;
}

const PAGE = 200;
const KEPT_ERRORS = 100;

/** Makes the full export of a connector. */
export function createFullExport(options: FullExportOptions): FullExport {
  const { reader, capabilities } = options;

  async function plan(objectType: CompiledObjectType, entryId: number, task: FullExportTask): Promise<PlannedWrite | WriteAnswer> {
    const row = await reader.readEntry(entryId);
    if (row === undefined || !isPresentable(row)) return { status: 'gone' };
    const attributes = JSON.parse(row.body) as EncodedAttributes;
    const allReferences = await readAllReferences(reader, objectType, row.id);
    const { steps, effect, claims } = planPresentation(objectType, capabilities, {
      attributes,
      dn: row.dn,
      anchor: pickAnchor(objectType, attributes),
      allReferences,
    });
    const there = row.partition === '' ? {} : { partition: row.partition };
    return {
      kind: 'update',
      objectType: objectType.name,
      entryId: row.id,
      expectedVersion: row.version,
      claims,
      steps: steps.map((step) => ({ ...step, ...there })),
      effect,
      request: { credential: task.startedBy, method: 'EXPORT', target: row.scimId, key: keyOf(task, row.id), correlation: `run-${task.runId}` },
      audit: {
        actor: task.startedBy,
        action: 'full-export',
        objectType: objectType.name,
        resource: row.scimId,
        attributes: [],
        correlation: `run-${task.runId}`,
      },
    };
  }

  const keyOf = (task: FullExportTask, entryId: number): string => `full-export-${task.runId}-${entryId}`;

  /** Presents an entry; one that changed between reading and writing is read again. */
  async function present(objectType: CompiledObjectType, row: EntryRow, task: FullExportTask): Promise<ConnectorErrorData | undefined> {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const answer = await options.perform(keyOf(task, row.id), row.id, () => plan(objectType, row.id, task));
      if (answer.status === 'refused') return answer.error;
      if (answer.status !== 'conflict') return undefined;
    }
    return { code: 'version-conflict', message: 'the entry changes all the time' };
  }

  return {
    async run(task) {
      const errors: { entry: string; error: ConnectorErrorData }[] = [];
      let errorCount = 0;
      let entries = 0;
      const fail = (row: EntryRow, error: ConnectorErrorData): void => {
        errorCount += 1;
        if (errors.length < KEPT_ERRORS) errors.push({ entry: row.dn ?? `${row.objectType} ${row.anchor ?? ''}`, error });
      };
      for (const objectType of options.objectTypes.values()) {
        for (let after = 0; !task.isCancelled(); ) {
          const { rows } = await reader.query({ objectType: objectType.name, after, limit: PAGE, total: false, scanLimit: Number.MAX_SAFE_INTEGER });
          const wanted = rows.filter((row) => row.partition === task.partition && isPresentable(row));
          await Promise.all(
            wanted.map(async (row) => {
              try {
                const error = await present(objectType, row, task);
                if (error === undefined) entries += 1;
                else fail(row, error);
              } catch (error) {
                fail(row, toErrorData(error));
              }
            }),
          );
          task.progress(entries, errorCount);
          const last = rows.at(-1)?.id;
          if (rows.length < PAGE || last === undefined) break;
          after = last;
        }
      }
      return { entries, errors, errorCount };
    },
  };
}

/** All raw values of an entry's multi-valued references. */
export async function readAllReferences(
  reader: Pick<ConnectorReader, 'readReferences'>,
  objectType: CompiledObjectType,
  entryId: number,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const all = new Map<string, readonly string[]>();
  for (const { name, type, multiValued } of objectType.definition.attributes) {
    if (type !== 'reference' || multiValued !== true) continue;
    all.set(name, await readAllRaw(reader, entryId, name));
  }
  return all;
}

/** Whether an entry is one that a client sees and the application knows. */
export function isPresentable(row: EntryRow): boolean {
  return row.anchor !== undefined && (row.link === undefined || row.link.state === 'linked');
}
