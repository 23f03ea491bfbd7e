import type { HostConnector } from '@landbridge/engine';
import type { ConfigurationDocument } from '../configuration/parse-configuration.ts';
import type { HostConnectors } from '../host-connectors.ts';

/**
 * What a configuration would take from clients that they use (S-238). Nothing is lost: values stay in the application, and going
 * back to the revision before shows them again. But clients that map an attribute stop working when it goes or gets narrower.
 */
export async function schemaWarnings(connectors: HostConnectors, before: ConfigurationDocument, after: ConfigurationDocument): Promise<readonly string[]> {
  const warnings: string[] = [];
  for (const [name, written] of Object.entries(before.connectors)) {
    const connector = connectors.get(name);
    const next = after.connectors[name];
    if (connector === undefined || 'problem' in connector || next === undefined || JSON.stringify(written) === JSON.stringify(next)) continue;
    for (const [objectType, old] of Object.entries(typesOf(written)))
      warnings.push(
        ...(await warningsOf(connector, objectType, old, typesOf(next)[objectType]).then((found) =>
          found.map((one) => `connectors.${name}.objectTypes.${objectType}: ${one}`),
        )),
      );
  }
  return warnings;
}

/** Connectors in force whose deltas do not see deletes, where the configuration schedules no full import. */
export function deleteWarnings(connectors: HostConnectors): readonly string[] {
  return connectors.list().flatMap((one) => ('problem' in one || one.missedDeletes === undefined ? [] : [`connectors.${one.name}: ${one.missedDeletes}`]));
}

interface TypeDocument {
  readonly mapping?: Readonly<Record<string, unknown>>;
  readonly exclude?: readonly string[];
}

const typesOf = (connector: Readonly<Record<string, unknown>>): Readonly<Record<string, TypeDocument>> =>
  (connector['objectTypes'] ?? {}) as Readonly<Record<string, TypeDocument>>;

async function warningsOf(connector: HostConnector, objectType: string, old: TypeDocument, next: TypeDocument | undefined): Promise<readonly string[]> {
  if (next === undefined) {
    const there = (await connector.status()).entries[objectType] ?? 0;
    return there === 0 ? [] : [`the type is gone, and there are ${there} of it`];
  }
  const warnings: string[] = [];
  for (const [path, target] of Object.entries(old.mapping ?? {})) {
    const what = narrowing(target, next.mapping?.[path]);
    const inUse = what === undefined ? 0 : await countOf(connector, objectType, path);
    if (what !== undefined && inUse !== 0)
      warnings.push(`"${path}" ${what}, and ${inUse === undefined ? 'it may be in use' : `${inUse} resources have a value`}`);
  }
  for (const attribute of next.exclude ?? [])
    if (old.exclude?.includes(attribute) !== true) warnings.push(`the attribute "${attribute}" of the application is not shown any more, and may be in use`);
  return warnings;
}

type Target = { readonly attribute?: string; readonly characteristics?: Readonly<Record<string, unknown>> };
const targetOf = (written: unknown): Target => (typeof written === 'string' ? { attribute: written } : ((written ?? {}) as Target));

/** Characteristics by how much they leave to clients: further on is less. */
const NARROWER: Readonly<Record<string, readonly unknown[]>> = {
  mutability: ['readWrite', 'immutable', 'readOnly'],
  returned: ['always', 'default', 'request', 'never'],
  required: [false, true],
  uniqueness: ['none', 'server', 'global'],
};

/** How a mapping is less than it was; `undefined` when it is not. */
function narrowing(before: unknown, after: unknown): string | undefined {
  if (after === undefined) return 'is not mapped any more';
  const [old, next] = [targetOf(before), targetOf(after)];
  if (old.attribute !== next.attribute) return `is "${next.attribute ?? ''}" of the application now, and was "${old.attribute ?? ''}"`;
  for (const [name, order] of Object.entries(NARROWER)) {
    const place = (target: Target): number => order.indexOf(target.characteristics?.[name]);
    if (place(next) > Math.max(place(old), 0)) return `has ${name} ${String(next.characteristics?.[name])} now`;
  }
  return undefined;
}

/** How many resources have a value at a path; `undefined` where only a long search would tell. */
async function countOf(connector: HostConnector, objectType: string, path: string): Promise<number | undefined> {
  const endpoint = connector.configuration.objectTypes.find((one) => one.objectType === objectType)?.endpoint;
  if (endpoint === undefined) return undefined;
  const [, attribute, filter, sub] = /^([^[]+)\[(.+)\]\.([\w$-]+)$/.exec(path) ?? [];
  const present = attribute === undefined ? `${path} pr` : `${attribute}[${filter ?? ''} and ${sub ?? ''} pr]`;
  try {
    const context = { credential: 'host', client: 'host', profile: 'strict', baseUrl: '', correlation: '' };
    const { body = '{}' } = await connector.clean.list(context, endpoint, { filter: present, count: '0' });
    return (JSON.parse(body) as { readonly totalResults?: number }).totalResults;
  } catch {
    // Too many entries to look at, or writes in doubt: what cannot be counted may be in use.
    return undefined;
  }
}
