import type { ImportCounts, NewStep } from '../connector-store.ts';
import type { SeenEntries } from './seen-entries.ts';
import type { StoredType } from './stored-model.ts';

/** An import step under way. */
export interface ImportStep {
  readonly id: number;
  readonly runId: number;
  readonly kind: NewStep['kind'];
  readonly partition: string;
  readonly types: readonly StoredType[];
  readonly fence: number;
  readonly at: number;
  readonly seen: SeenEntries;
  /** See `NewStep.keepsDrifts`. */
  readonly keepsDrifts: boolean;
  /** Of the store's count of removals, when the step began. */
  readonly removedBefore: number;
  /** Planned removals, in the order they will be made. */
  removals: number[];
  /** Whether the step was read to its end. */
  complete: boolean;
}

/** The counts of a step while it runs. */
export type ImportTally = { -readonly [What in keyof ImportCounts]: number };
