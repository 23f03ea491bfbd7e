import type { Kit } from './kit.ts';

/** Who asks for it: the RFCs, a client that fails without it, or good sense. */
export type CheckLevel = 'required' | 'clients' | 'recommended';

/** What a check needs of a service; where it is missing the check is skipped, and says so. */
export type Need = 'write' | 'patch' | 'bulk' | 'filter' | 'sort' | 'etag' | 'cursor' | 'groups' | `User.${string}` | `Enterprise.${string}`;

/** One check. The title begins with the ids of the requirements. */
export interface Check {
  readonly title: string;
  /** Default is `required`. */
  readonly level?: CheckLevel;
  readonly needs?: readonly Need[];
  /** In which dialect the service must be for it; default is any. */
  readonly profile?: 'strict' | 'lenient';
  /** Throws an error whose message says what was wrong. */
  run(kit: Kit): Promise<void>;
}
