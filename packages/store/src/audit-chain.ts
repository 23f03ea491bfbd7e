import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { toKept } from './postgres/records.ts';

/**
 * The chain over an audit (SEC-60). Every row carries a code over its own cells and the code of the row before it, made with a
 * key that is not in the database: who can write there can neither change, remove, insert nor exchange a row without a trace.
 *
 * Two anchors say where the chain begins and ends; each is sealed by the same key. The first moves on when old rows are forgotten,
 * the last with every row. What no key can tell is a whole database that was put back to an earlier moment: for that a code that
 * was noted elsewhere is looked for in the chain.
 */

/** A row of a chain by its number and its code. */
export interface ChainPoint {
  readonly id: number;
  /** HMAC-SHA-256, base64url. */
  readonly code: string;
}

/** A place of a chain with its seal, as it is stored. */
export interface ChainAnchor extends ChainPoint {
  readonly seal: string;
}

/** Where a chain begins (the last row that is not in it any more) and its last row. */
export interface ChainAnchors {
  readonly base: ChainAnchor;
  readonly head: ChainAnchor;
}

/** The cells of a row that its code is made over, in the order of the columns. */
export type ChainCells = readonly (string | number | null)[];

/** A row of an audit as it is stored. `code` is null for rows that are older than the chain. */
export interface ChainRow {
  readonly id: number;
  readonly at: number;
  readonly cells: ChainCells;
  readonly code: string | null;
}

/** What a chain is verified from. */
export interface AuditChain {
  anchors(): Promise<ChainAnchors | undefined>;
  /** Rows after a number, oldest first. */
  rows(after: number, limit: number): Promise<readonly ChainRow[]>;
  /** The key of the installation, outside the database. */
  readonly key: Uint8Array;
}

/** Stores that are opened without a key, in tests and tools: their chain finds accidents and not attacks. */
export const NO_AUDIT_KEY: Uint8Array = new Uint8Array(32);

/** Made once for each key: of bytes every row would make one anew, which takes five times as long as the code. */
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

function sign(key: Uint8Array, text: string): string {
  const known = keyObjects.get(key) ?? createSecretKey(key);
  keyObjects.set(key, known);
  return createHmac('sha256', known).update(text).digest('base64url');
}

/** The code of a row after another one. Text is taken in the form that every store keeps, so that moving a store keeps its chain. */
export function chainCode(key: Uint8Array, before: string, id: number, cells: ChainCells): string {
  return sign(key, JSON.stringify([before, id, ...cells.map((cell) => (typeof cell === 'string' ? toKept(cell) : cell))]));
}

/** The anchor of a place: its seal says that the holder of the key put it there. */
export function sealAnchor(key: Uint8Array, name: 'base' | 'head', { id, code }: ChainPoint): ChainAnchor {
  return { id, code, seal: sign(key, `${name} ${id} ${code}`) };
}

/** The anchors of a new chain, which begins after the row given: its first code is random, so that rows of other chains do not fit. */
export function beginChain(key: Uint8Array, last: number): ChainAnchors {
  const start: ChainPoint = { id: last, code: randomBytes(32).toString('base64url') };
  return { base: sealAnchor(key, 'base', start), head: sealAnchor(key, 'head', start) };
}

/** What is wrong in a chain, and where. */
export interface ChainProblem {
  /** The number of the row, or of the first of several. */
  readonly row: number;
  readonly problem: 'changed' | 'missing' | 'inserted' | 'anchor';
  readonly message: string;
}

/** What verifying a chain found. */
export interface ChainReport {
  readonly intact: boolean;
  /** Rows that the chain covers. */
  readonly rows: number;
  /** Rows from before the chain: of them nothing can be said. */
  readonly uncovered: number;
  readonly last: (ChainPoint & { readonly at: number | undefined }) | undefined;
  /** The first of them, at most 100. */
  readonly problems: readonly ChainProblem[];
  /** Whether the place that was noted elsewhere is in the chain; absent when none was given. `forgotten` when retention has passed it. */
  readonly noted?: 'found' | 'not-found' | 'forgotten';
}

const PAGE = 500;
const MOST_PROBLEMS = 100;
const ATTEMPTS = 3;

/**
 * Verifies a chain from its first row to its last. Rows that are added or forgotten meanwhile do no harm.
 *
 * @param noted a place that was written down elsewhere, as {@link ChainReport.last} gave it.
 */
export async function verifyChain(chain: AuditChain, noted?: ChainPoint): Promise<ChainReport> {
  for (let attempt = 1; ; attempt += 1) {
    const before = await chain.anchors();
    const report = await verifyOnce(chain, before, noted);
    const after = await chain.anchors();
    // What was forgotten while it was read looks like a gap.
    if (report.intact || attempt === ATTEMPTS || before?.base.id === after?.base.id) return report;
  }
}

async function verifyOnce(chain: AuditChain, anchors: ChainAnchors | undefined, noted: ChainPoint | undefined): Promise<ChainReport> {
  const problems: ChainProblem[] = [];
  const add = (row: number, problem: ChainProblem['problem'], message: string): void => {
    if (problems.length < MOST_PROBLEMS) problems.push({ row, problem, message });
  };
  if (anchors !== undefined)
    for (const name of ['base', 'head'] as const)
      if (sealAnchor(chain.key, name, anchors[name]).seal !== anchors[name].seal)
        add(anchors[name].id, 'anchor', `the seal of the ${ANCHOR[name]} is not of this key: it was changed, or another host with another audit.key wrote it`);
  const base: ChainPoint = anchors?.base ?? { id: Number.POSITIVE_INFINITY, code: '' };
  let [last, rows, uncovered]: [ChainPoint, number, number] = [base, 0, 0];
  let lastAt: number | undefined;
  let found = noted !== undefined && noted.id === base.id && noted.code === base.code;
  let read = 0;
  for (;;) {
    const page = await chain.rows(read, PAGE);
    for (const row of page) {
      if (row.id <= base.id) {
        if (row.code === null) uncovered += 1;
        else
          add(
            row.id,
            'inserted',
            anchors === undefined ? `row ${row.id} is of a chain whose ends are missing` : `row ${row.id} stands before the beginning of the chain`,
          );
        continue;
      }
      rows += 1;
      const gap = row.id - last.id - 1;
      if (gap > 0) add(last.id + 1, 'missing', gap === 1 ? `row ${last.id + 1} is missing` : `rows ${last.id + 1} to ${row.id - 1} are missing`);
      else if (row.code !== chainCode(chain.key, last.code, row.id, row.cells)) add(row.id, 'changed', `row ${row.id} was changed, inserted or exchanged`);
      last = { id: row.id, code: row.code ?? '' };
      lastAt = row.at;
      found ||= noted !== undefined && noted.id === row.id && noted.code === row.code;
    }
    read = page.at(-1)?.id ?? read;
    if (page.length > 0) continue;
    // Rows may have come since: the end is where it is now.
    const head = anchors === undefined ? undefined : (await chain.anchors())?.head;
    if (head !== undefined && head.id > last.id && (await chain.rows(read, 1)).length > 0) continue;
    const known = problems.at(-1)?.row === last.id;
    if (head !== undefined && !(known && head.id === last.id)) checkEnd(head, last, add);
    break;
  }
  return {
    intact: problems.length === 0,
    rows,
    uncovered,
    last: anchors === undefined ? undefined : { ...last, at: lastAt },
    problems,
    ...(noted === undefined ? {} : { noted: found ? 'found' : noted.id < base.id ? 'forgotten' : 'not-found' }),
  };
}

const ANCHOR = { base: 'beginning of the chain', head: 'end of the chain' } as const;

function checkEnd(head: ChainPoint, last: ChainPoint, add: (row: number, problem: ChainProblem['problem'], message: string) => void): void {
  if (head.id < last.id) add(head.id + 1, 'inserted', `rows from ${head.id + 1} on stand behind the end of the chain`);
  if (head.id === last.id && head.code !== last.code) add(last.id, 'changed', `row ${last.id} is not the one that was written last`);
  if (head.id > last.id) add(last.id + 1, 'missing', `rows ${last.id + 1} to ${head.id} are missing: the end of the audit was cut off`);
}
