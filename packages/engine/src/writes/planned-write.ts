import type { ConnectorErrorData, EncodedAttributes } from '@landbridge/connector-sdk';
import {
  type AuditRecord,
  type Claim,
  type EntryEffect,
  type EntryRow,
  type Intent,
  type IntentEvents,
  type JournalRow,
  type LinkChange,
  PASSWORD_METHOD,
  type RequestIdentity,
} from '@landbridge/store';
import type { EncodedChange, EncodedIdentity } from '../connector-host/connector-handle.ts';

/**
 * One connector call of a write, and what it does to the entry. A write may be several: rename, attributes, references,
 * password (R12). Steps are kept in the journal as JSON, so they hold everything needed to repeat or check them; a
 * password is never in them (R21), only the fact that one is to be set.
 */
export type WriteStep =
  | {
      readonly call: 'put';
      readonly change: Omit<EncodedChange, 'id' | 'password'>;
      readonly effect: EntryEffect;
      readonly withPassword?: true;
      /** Part of a full export: it goes into a session of that kind. */
      readonly full?: true;
      /** Identifier of the partition that the session is opened for. */
      readonly partition?: string;
      /** Never sent: it is recorded (R31). */
      readonly shadow?: true;
    }
  /** `identity` where no step of the same write tells whose password it is. */
  | { readonly call: 'set-password'; readonly identity?: EncodedIdentity; readonly partition?: string; readonly shadow?: true };

/** A write, planned: what is made durable before the connector is called. */
export interface PlannedWrite {
  readonly kind: Intent['kind'];
  readonly objectType: string;
  readonly entryId?: number;
  readonly expectedVersion?: number;
  readonly claims: readonly Claim[];
  readonly steps: readonly WriteStep[];
  /** The effect of all steps together. */
  readonly effect: EntryEffect;
  readonly link?: LinkChange;
  readonly request: RequestIdentity;
  readonly password?: string;
  readonly audit: Omit<AuditRecord, 'at' | 'result'>;
  /** What the write takes away from people: the mass-change guard counts it (SEC-20). */
  readonly takesAway?: TakesAway;
  /** What event streams are told when it is applied. */
  readonly events?: IntentEvents;
  /** Made durable and not sent: an administrator decides. */
  readonly held?: true;
}

/** A delete or disable, or values taken from references of the entry. */
export type TakesAway = { readonly kind: 'entry' } | { readonly kind: 'references'; readonly attribute: string; readonly values: number };

/** How a write ended, as its requester learns it. */
export type WriteAnswer =
  /** Applied and durable. `row` is the entry afterwards; absent after a delete. */
  | { readonly status: 'applied'; readonly row: EntryRow | undefined }
  /** The application refused it. `row` is there when earlier steps were applied (R21). */
  | { readonly status: 'refused'; readonly error: ConnectorErrorData; readonly row?: EntryRow }
  | { readonly status: 'claimed'; readonly claim: Claim; readonly inDoubt: boolean }
  | { readonly status: 'conflict'; readonly version: number }
  | { readonly status: 'gone' }
  | { readonly status: 'in-doubt'; readonly journalId: number }
  /** Durable, and not sent before an administrator approves it (SEC-20). */
  | { readonly status: 'held'; readonly journalId: number; readonly transaction: string };

/** A write on its way through the pipeline. */
export interface WriteInFlight {
  readonly journalId: number;
  readonly entryId: number;
  readonly kind: Intent['kind'];
  readonly objectType: string;
  readonly claims: readonly Claim[];
  /** Replaced where the application wants a step in another form. */
  steps: readonly WriteStep[];
  readonly audit: Omit<AuditRecord, 'at' | 'result'>;
  readonly password: string | undefined;
  /** The step to be sent next; all before it were applied. */
  nextStep: number;
  /** The effects of the applied steps, corrected by the application's answers. */
  applied: EntryEffect;
  /** Anchor attributes that the application returned, for the steps after an add. */
  anchor: EncodedAttributes | undefined;
  /** When its last call began, by {@link elapsed}; absent before the first one and after a restart. */
  sentAt: number | undefined;
  /** After doubt an entry is sent alone (R13). */
  alone: boolean;
  answer(answer: WriteAnswer): void;
  /** Told once when the outcome is unknown: the requester may stop waiting, and the entry's lock is given back. */
  doubted(): void;
}

/** An effect that changes nothing. */
export const noEffect: EntryEffect = { set: {}, unset: [], references: [], awaiting: [] };

/** The effect of two steps, one after the other. */
export function mergeEffects(first: EntryEffect, second: EntryEffect): EntryEffect {
  const set: Record<string, EntryEffect['set'][string]> = { ...first.set };
  for (const name of second.unset) delete set[name];
  Object.assign(set, second.set);
  const unset = new Set([...first.unset.filter((name) => !Object.hasOwn(second.set, name)), ...second.unset]);
  const anchor = second.anchor ?? first.anchor;
  const dn = second.dn ?? first.dn;
  const partition = second.partition ?? first.partition;
  return {
    set,
    unset: [...unset],
    references: [...first.references, ...second.references],
    awaiting: [...new Set([...first.awaiting, ...second.awaiting])],
    ...(anchor === undefined ? {} : { anchor }),
    ...(dn === undefined ? {} : { dn }),
    ...(partition === undefined ? {} : { partition }),
  };
}

/**
 * The write that a journal row describes, to be settled after a restart. A row in which the password of another write goes on has
 * all the steps of that write, and only the password left; `entry` says whose it is.
 */
export function reviveWrite(
  row: JournalRow,
  password: string | undefined,
  callbacks: Pick<WriteInFlight, 'answer' | 'doubted'>,
  entry?: EncodedIdentity,
): WriteInFlight {
  const steps = JSON.parse(row.steps) as readonly WriteStep[];
  const onlyPassword = row.request.method === PASSWORD_METHOD;
  return {
    journalId: row.id,
    entryId: row.entryId,
    kind: row.kind,
    objectType: row.objectType,
    claims: row.claims,
    steps: onlyPassword ? steps.flatMap((step) => (step.call === 'put' ? [] : [{ ...(entry === undefined ? {} : { identity: entry }), ...step }])) : steps,
    audit: {
      actor: row.request.credential,
      action: onlyPassword ? 'set-password' : row.kind,
      objectType: row.objectType,
      ...(row.scimId === undefined ? {} : { resource: row.scimId }),
      attributes: onlyPassword ? ['password'] : [...Object.keys(row.effect.set), ...row.effect.unset, ...row.effect.references.map((delta) => delta.attribute)],
      correlation: row.request.correlation,
    },
    password,
    nextStep: 0,
    applied: noEffect,
    anchor: undefined,
    sentAt: undefined,
    alone: true,
    ...callbacks,
  };
}
