import type { ConnectorErrorData } from '@landbridge/connector-sdk';
import { type NotReimported, noCounts, type PageOutcome } from '../connector-store.ts';
import type { Confirmation } from '../rules/confirmation.ts';
import type { ImportTally } from '../rules/import-step.ts';
import type { StoredAttribute } from '../rules/stored-model.ts';
import type { StoreState } from './entry-rows.ts';

/** What a page gathers while it is applied. */
export interface PageWork {
  readonly settled: number[];
  /** An entry of the page got another name: later ones may find it by that. */
  renamed: boolean;
  readonly passwords: number[];
  /** Single-valued references of new entries, to be written by one statement at the end of the page. */
  readonly referred: ReadonlyMap<StoredAttribute, readonly (readonly [entry: number, raw: string])[]>;
  refer(attribute: StoredAttribute, entry: number, raw: string): void;
  count(what: keyof ImportTally): void;
  fail(index: number, code: ConnectorErrorData['code'], message: string): void;
  postpone(index: number): void;
  confirm(entryId: number, confirmation: Confirmation): void;
  report(mismatch: NotReimported): void;
  outcome(): PageOutcome;
}

/** An empty page. */
export function createPageWork(state: StoreState, keepsDrifts = false): PageWork {
  const counts: ImportTally = { ...noCounts };
  const postponed: number[] = [];
  const errors: { index: number; error: ConnectorErrorData }[] = [];
  const notReimported: NotReimported[] = [];
  const settled: number[] = [];
  const passwords: number[] = [];
  const referred = new Map<StoredAttribute, (readonly [number, string])[]>();
  return {
    settled,
    renamed: false,
    passwords,
    referred,
    refer(attribute, entry, raw) {
      const pairs = referred.get(attribute);
      if (pairs === undefined) referred.set(attribute, [[entry, raw]]);
      else pairs.push([entry, raw]);
    },
    count(what) {
      counts[what] += 1;
    },
    fail(index, code, message) {
      errors.push({ index, error: { code, message } });
    },
    postpone(index) {
      postponed.push(index);
    },
    confirm(entryId, confirmation) {
      counts.confirmed += confirmation.confirmed.length;
      for (const { journal, ...mismatch } of confirmation.mismatched) notReimported.push({ entryId, journalId: journal, ...mismatch });
      if (keepsDrifts)
        for (const { journal, attribute, drift } of confirmation.mismatched)
          if (drift !== undefined)
            state.database.run(
              'INSERT OR REPLACE INTO drifts(journal, attribute, entry, drift) VALUES (?, ?, ?, ?)',
              journal,
              attribute,
              entryId,
              JSON.stringify(drift),
            );
      for (const journal of new Set(confirmation.mismatched.map((one) => one.journal)))
        state.database.run("UPDATE journal SET state = 'not-reimported' WHERE id = ? AND state = 'applied'", journal);
      for (const journal of confirmation.complete) state.database.run("UPDATE journal SET state = 'confirmed' WHERE id = ? AND state = 'applied'", journal);
    },
    report(mismatch) {
      notReimported.push(mismatch);
    },
    outcome: () => ({ counts, postponed, errors, notReimported, settled, passwords }),
  };
}
