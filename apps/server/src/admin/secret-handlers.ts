import { readReferencedSecrets } from '../configuration/parse-configuration.ts';
import { SECRET_REFERENCE_NAME } from '../secrets/secret-store.ts';
import { AdminError } from './admin-error.ts';
import type { AdminOptions } from './admin-routes.ts';

type Part = Pick<AdminOptions, 'secrets' | 'secretChanged' | 'current' | 'control' | 'authorOf'>;

/** A secret without its value, and who refers to it. */
export interface SecretStatus {
  readonly name: string;
  readonly updatedAt: number | undefined;
  readonly updatedBy: string | undefined;
  readonly usedBy: readonly string[];
  /** The configuration refers to it, and it has no value. */
  readonly missing: boolean;
}

/** All secrets, those that the configuration misses included. */
export function listSecrets(options: Part): readonly SecretStatus[] {
  const used = usersOf(options);
  const there = options.secrets.list();
  const missing = [...used.keys()].filter((name) => !there.some((one) => one.name === name));
  return [
    ...there.map((one) => ({ ...one, usedBy: used.get(one.name) ?? [], missing: false })),
    ...missing.map((name) => ({ name, updatedAt: undefined, updatedBy: undefined, usedBy: used.get(name) ?? [], missing: true })),
  ];
}

/** Stores a value; the connectors that refer to it are opened again with it. */
export async function setSecret(
  options: Part,
  name: string,
  value: unknown,
  actor: string,
): Promise<{ readonly name: string; readonly reopened: readonly string[] }> {
  if (!SECRET_REFERENCE_NAME.test(name))
    throw new AdminError(
      400,
      'invalid-name',
      `"${name.slice(0, 100)}" is no name of a secret`,
      'use letters, digits, dots, dashes and underscores, at most 64',
    );
  if (typeof value !== 'string' || value === '') throw new AdminError(400, 'missing-value', 'a secret needs a value: {"value": "…"}');
  await options.secrets.write(name, value, await options.authorOf(actor));
  await options.control.addAudit({ at: Date.now(), actor, action: 'secret.set', detail: name });
  const reopened = usersOf(options).get(name) ?? [];
  await options.secretChanged(reopened);
  return { name, reopened };
}

/** Removes a secret that nothing refers to. */
export async function removeSecret(options: Part, name: string, actor: string): Promise<{ readonly removed: string }> {
  const used = usersOf(options).get(name) ?? [];
  if (used.length > 0)
    throw new AdminError(409, 'secret-in-use', `the secret "${name}" is used by ${used.join(', ')}`, 'apply a configuration without it first');
  if (!(await options.secrets.remove(name))) throw new AdminError(404, 'unknown-secret', `there is no secret "${name}"`, 'landbridge secret list');
  await options.control.addAudit({ at: Date.now(), actor, action: 'secret.remove', detail: name });
  return { removed: name };
}

/** Seals every secret anew under new keys. */
export async function rotateSecrets(options: Part, actor: string): Promise<{ readonly secrets: number; readonly keyChanged: boolean }> {
  const done = await options.secrets.rotate();
  await options.control.addAudit({ at: Date.now(), actor, action: 'secret.rotate', detail: `${done.secrets} secrets` });
  return done;
}

/** Connectors by the secret they refer to. */
function usersOf({ current }: Part): ReadonlyMap<string, readonly string[]> {
  const used = new Map<string, string[]>();
  for (const [connector, document] of Object.entries(current().document.connectors))
    for (const name of readReferencedSecrets(document)) used.set(name, [...(used.get(name) ?? []), connector]);
  return used;
}
