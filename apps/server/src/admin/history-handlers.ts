import type { ConfigurationRevision } from '@landbridge/store';
import {
  type ConfigurationChange,
  type ConfigurationDocument,
  diffConfigurations,
  formatConfiguration,
  parseConfiguration,
} from '../configuration/parse-configuration.ts';
import { AdminError } from './admin-error.ts';
import type { AdminOptions } from './admin-routes.ts';

type Part = Pick<AdminOptions, 'control' | 'current' | 'apply' | 'authorOf'>;

/** A revision as it is listed. */
export interface RevisionLine {
  readonly number: number;
  readonly author: string;
  readonly at: number;
  readonly summary: string;
  readonly inForce: boolean;
}

/** A revision with its text, and what it changed. */
export interface RevisionView extends RevisionLine {
  readonly text: string;
  /** The difference to the revision before. */
  readonly changes: readonly ConfigurationChange[];
}

/** The newest revisions, without their documents. */
export async function listRevisions({ control, current }: Part, limit: number): Promise<readonly RevisionLine[]> {
  return (await control.listRevisions(limit)).map((revision) => lineOf(revision, current().revision));
}

/** One revision, its text and its difference to the one before. */
export async function showRevision(options: Part, number: number): Promise<RevisionView> {
  const revision = await revisionOf(options, number);
  const before = number > 1 ? await options.control.readRevision(number - 1) : undefined;
  const { document } = read(revision);
  return {
    ...lineOf(revision, options.current().revision),
    text: formatConfiguration(document),
    changes: diffConfigurations(before === undefined ? undefined : read(before).document, document),
  };
}

/**
 * Makes an earlier revision the one in force again, as a new revision: history is never rewritten. The old document is checked as
 * a new one is, because the format or the packages may have changed since.
 */
export async function rollBack(
  options: Part,
  number: number,
  actor: string,
): Promise<{ readonly revision: number; readonly changes: readonly ConfigurationChange[] }> {
  const revision = await revisionOf(options, number);
  const { document, folder } = read(revision);
  const text = formatConfiguration(document);
  const { problems } = parseConfiguration(text);
  if (problems.length > 0)
    throw new AdminError(
      409,
      'invalid-configuration',
      `revision ${number} is not valid any more: ${problems.map((problem) => `${problem.path}: ${problem.message}`).join('; ')}`,
      `landbridge history show ${number} prints it; repair and apply it`,
    );
  const changes = diffConfigurations(options.current().document, document);
  if (changes.length === 0) throw new AdminError(409, 'no-difference', `revision ${number} is the same as the configuration in force`);
  const applied = await options.apply(text, await options.authorOf(actor), { summary: `back to revision ${number}`, folder });
  await options.control.addAudit({ at: Date.now(), actor, action: 'configuration.rollback', detail: `revision ${applied.revision}, back to ${number}` });
  return { ...applied, changes };
}

async function revisionOf({ control }: Part, number: number): Promise<ConfigurationRevision> {
  const revision = await control.readRevision(number);
  if (revision === undefined) throw new AdminError(404, 'unknown-revision', `there is no revision ${number}`, 'landbridge history');
  return revision;
}

function read(revision: ConfigurationRevision): { readonly document: ConfigurationDocument; readonly folder: string } {
  return JSON.parse(revision.document) as { readonly document: ConfigurationDocument; readonly folder: string };
}

function lineOf({ number, author, at, summary }: ConfigurationRevision, inForce: number): RevisionLine {
  return { number, author, at, summary, inForce: number === inForce };
}
