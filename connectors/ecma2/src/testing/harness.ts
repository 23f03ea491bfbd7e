import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorContext, EntryChange, EntryResult, ImportEntry, ParameterValue } from '@landbridge/connector-sdk';
import { connector } from '../index.ts';

/** A line that a connector or its worker logged. */
export interface LoggedLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A folder for a test, and contexts whose log lines are kept. */
export interface TestBench {
  readonly folder: string;
  readonly lines: readonly LoggedLine[];
  context(parameters: Readonly<Record<string, ParameterValue>>): ConnectorContext;
  /** Resolves with the first logged line that matches, now or later. */
  logged(pattern: RegExp): Promise<LoggedLine>;
  remove(): void;
}

const { signal } = new AbortController();

/** Makes a bench. */
export function createTestBench(): TestBench {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-ecma2-'));
  const lines: LoggedLine[] = [];
  const waiting = new Set<() => void>();
  const at =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      lines.push({ level, message, fields });
      for (const wake of waiting) wake();
    };
  let next = 0;
  return {
    folder,
    lines,
    context(parameters) {
      next += 1;
      const own = join(folder, `own-${next}`);
      mkdirSync(own, { recursive: true });
      return { connector: `test-${next}`, parameters, folder: own, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
    },
    logged(pattern) {
      return new Promise((resolve) => {
        const look = (): void => {
          const found = lines.find((line) => pattern.test(line.message));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      });
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Reads everything a connector has. */
export async function importAll(
  context: ConnectorContext,
  options: { readonly pageSize?: number } = {},
): Promise<{ readonly entries: readonly ImportEntry[]; readonly pages: number }> {
  const schema = await connector.schema(context, { signal });
  const session = await connector.openImport?.(context, { kind: 'full', schema, pageSize: options.pageSize ?? 500, signal });
  if (session === undefined) throw new Error('the connector has no import');
  const entries: ImportEntry[] = [];
  let pages = 0;
  try {
    for (let more = true; more; pages += 1) {
      const page = await session.readPage({ signal });
      entries.push(...page.entries);
      more = page.more;
    }
  } catch (error) {
    await session.close('failed');
    throw error;
  }
  await session.close('normal');
  return { entries, pages };
}

/** One export session with one batch. */
export async function putAll(
  context: ConnectorContext,
  changes: readonly EntryChange[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<readonly EntryResult[]> {
  const schema = await connector.schema(context, { signal });
  const session = await connector.openExport?.(context, { kind: 'delta', schema, batchSize: changes.length, signal });
  if (session === undefined) throw new Error('the connector has no export');
  const results = await session.put(changes, { signal: options.signal ?? signal });
  await session.close('normal');
  return results;
}

/** An add of a person of the trouble connector. */
export function addPerson(id: string): EntryChange {
  return { id, modification: 'add', objectType: 'person', anchor: { id }, changes: [{ name: 'id', modification: 'add', values: [id] }] };
}
