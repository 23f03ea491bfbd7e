import type { StoreFailure } from '../store-errors.ts';

/** A command that is sent to a store thread. */
export interface StoreRequest {
  readonly id: number;
  readonly command: string;
  readonly values: readonly unknown[];
}

/** Its answer. */
export interface StoreResponse {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: StoreFailure;
}

/** What a store thread says by itself: its connector was taken over (R34). */
export interface StoreNotice {
  readonly lost: StoreFailure;
}
