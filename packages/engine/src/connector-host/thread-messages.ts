import type { MessagePort } from 'node:worker_threads';
import type { ConnectorErrorData, EntryFilter, Parameters, Partition, PasswordOptions, TestResult } from '@landbridge/connector-sdk';
import type { ImportCounts, NotReimported } from '@landbridge/store';
import type { EncodedChange, EncodedIdentity, ImportOutcome, ImportTask, Selection } from './connector-handle.ts';

/** What a connector thread is started with. */
export interface ThreadData {
  /** URL of the module that exports `connector`. */
  readonly module: string;
  readonly connector: string;
  readonly parameters: Parameters;
  readonly folder: string;
  readonly selection: Selection | undefined;
  /** Paths of parameters whose values came from secret references. */
  readonly secretParameters: readonly string[];
  /** Passwords may go over a connection that is not secure. */
  readonly passwordsNotSecure: boolean;
}

/** Calls from the engine to the thread; each is answered once, with the same number. */
export type ThreadCall =
  | { readonly call: 'describe' }
  | { readonly call: 'select'; readonly selection: Selection }
  | { readonly call: 'open-export'; readonly batchSize: number; readonly kind?: 'full' | 'delta'; readonly partition?: Partition }
  | {
      readonly call: 'export-batch';
      readonly batchSize: number;
      readonly kind?: 'full' | 'delta';
      readonly partition?: Partition;
      readonly changes: readonly EncodedChange[];
      readonly callMilliseconds: number;
    }
  | { readonly call: 'put'; readonly session: number; readonly changes: readonly EncodedChange[] }
  | { readonly call: 'close-export'; readonly session: number; readonly reason: 'normal' | 'failed' | 'shutting-down' }
  | { readonly call: 'import'; readonly task: Omit<ImportTask, 'storePort'>; readonly port: MessagePort }
  | {
      readonly call: 'set-password';
      readonly identity: EncodedIdentity;
      readonly password: string;
      readonly options: PasswordOptions;
      readonly partition?: Partition;
    }
  | { readonly call: 'find'; readonly objectType: string; readonly filter: EntryFilter; readonly limit: number }
  | { readonly call: 'test' };

/** To the thread: a call, or the wish that one ends. */
export type ToThread = { readonly id: number; readonly request: ThreadCall } | { readonly id: number; readonly cancel: true } | { readonly close: true };

/** News of a call that goes on. */
export type ThreadEvent =
  | {
      readonly kind: 'progress';
      readonly entries: number;
      readonly total: number | undefined;
      readonly counts: ImportCounts;
      readonly errorCount: number;
    }
  | {
      readonly kind: 'not-reimported';
      readonly reports: readonly NotReimported[];
    }
  | { readonly kind: 'settled'; readonly journalIds: readonly number[]; readonly passwords: readonly number[] }
  | { readonly kind: 'test'; readonly result: TestResult };

/** From the thread: an answer, an error, news of a call, or a log line. */
export type FromThread =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: ConnectorErrorData }
  | { readonly id: number; readonly event: ThreadEvent }
  | {
      readonly log: {
        readonly level: 'debug' | 'info' | 'warn' | 'error';
        readonly message: string;
        readonly fields: Readonly<Record<string, unknown>>;
      };
    };

export type { ImportOutcome };
