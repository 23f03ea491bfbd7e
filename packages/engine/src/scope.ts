import { type Capabilities, ConnectorError, foldCase, type Partition } from '@landbridge/connector-sdk';
import type { ConnectorConfiguration } from './configuration.ts';

/**
 * What of an application a connector works on: its selected partitions, and inside them the selected containers.
 *
 * 1. Every entry belongs to one partition, chosen before it is created, so that an import of another one never misses it (R23).
 * 2. What is outside the selected containers is not written (R31).
 */
export interface Scope {
  /** The selected partitions, in the connector's order; empty where it has none. */
  readonly partitions: readonly Partition[];
  partition(id: string): Partition | undefined;
  containersOf(partition: Partition | undefined): { readonly included: readonly string[]; readonly excluded: readonly string[] };
  /**
   * The partition of an entry by its distinguished name, else the one configured for its object type, else the only one.
   *
   * @throws ConnectorError `invalid-dn` for a name outside the scope, `invalid-configuration` where nothing decides.
   */
  choose(distinguishedName: string | undefined, configured: string | undefined): Partition | undefined;
  /** @throws ConnectorError `invalid-dn` for a name outside the selected containers. */
  requireInside(distinguishedName: string | undefined, partition: Partition | undefined): void;
  /** The same scope has the same text: another one invalidates watermarks (R24). */
  readonly text: string;
  /** Nothing of the application is outside. */
  readonly isWhole: boolean;
}

/** The scope of a connector. */
export function createScope(
  all: readonly Partition[],
  capabilities: Pick<Capabilities, 'distinguishedNameStyle'>,
  configuration: Pick<ConnectorConfiguration, 'partitions' | 'containers'> & Partial<Pick<ConnectorConfiguration, 'objectTypes'>>,
): Scope {
  const { containers } = configuration;
  const partitions = all.filter((partition) =>
    configuration.partitions.length === 0 ? partition.hiddenByDefault !== true : configuration.partitions.some((name) => isNamed(partition, name)),
  );
  const leftOut = (configuration.objectTypes ?? []).flatMap(({ objectType, leaveOut = [] }) => (leaveOut.length === 0 ? [] : [[objectType, leaveOut]]));
  const byId = new Map(all.map((partition) => [partition.id, partition]));

  function containersOf(partition: Partition | undefined): { readonly included: readonly string[]; readonly excluded: readonly string[] } {
    const found = containers.find((one) => (partition === undefined ? one.partition === '' : isNamed(partition, one.partition)));
    return { included: found?.included ?? [], excluded: found?.excluded ?? [] };
  }

  function choose(distinguishedName: string | undefined, configured: string | undefined): Partition | undefined {
    if (partitions.length === 0) return undefined;
    if (distinguishedName !== undefined && capabilities.distinguishedNameStyle !== 'none') {
      const above = partitions.filter((partition) => isBelow(distinguishedName, partition.dn));
      const [nearest] = above.sort((left, right) => componentsOf(right.dn).length - componentsOf(left.dn).length);
      if (nearest !== undefined) return nearest;
      if (capabilities.distinguishedNameStyle === 'ldap')
        throw new ConnectorError(
          'invalid-dn',
          `"${distinguishedName}" lies in none of the selected partitions: ${partitions.map((partition) => partition.dn).join(', ')}`,
        );
    }
    const wanted = configured === undefined ? undefined : partitions.find((partition) => isNamed(partition, configured));
    if (wanted !== undefined) return wanted;
    if (partitions.length === 1) return partitions[0];
    throw new ConnectorError(
      'invalid-configuration',
      `no partition is chosen for new entries: set "partition" of the object type to one of ${partitions.map((partition) => partition.name).join(', ')}`,
    );
  }

  return {
    partitions,
    partition: (id) => byId.get(id),
    containersOf,
    choose,
    requireInside(distinguishedName, partition) {
      if (distinguishedName === undefined || capabilities.distinguishedNameStyle === 'none') return;
      const { included, excluded } = containersOf(partition);
      const inside = included.length === 0 || included.some((container) => isBelow(distinguishedName, container));
      if (inside && !excluded.some((container) => isBelow(distinguishedName, container))) return;
      throw new ConnectorError('invalid-dn', `"${distinguishedName}" is outside the containers that are selected for this connector`);
    },
    text: JSON.stringify([partitions.map((partition) => partition.id), containers, ...(leftOut.length === 0 ? [] : [leftOut])]),
    isWhole: partitions.length === 0 && containers.length === 0 && leftOut.length === 0,
  };
}

/** Whether a name in the configuration means the partition: by identifier, name or distinguished name. */
export function isNamed(partition: Partition, name: string): boolean {
  return partition.id === name || partition.name === name || foldCase(partition.dn) === foldCase(name);
}

/** Whether a distinguished name is another one or lies below it: by components, without regard to case and to blanks around them. */
export function isBelow(distinguishedName: string, base: string): boolean {
  const upper = componentsOf(base);
  const lower = componentsOf(distinguishedName);
  const skipped = lower.length - upper.length;
  return skipped >= 0 && upper.every((component, index) => component === lower[skipped + index]);
}

/** The components of a distinguished name; a comma after a backslash belongs to a value (RFC 4514 §2.4). */
function componentsOf(distinguishedName: string): readonly string[] {
  const components = distinguishedName.match(/(?:\\.|[^\\,])+/gs) ?? [];
  return components.map((component) => foldCase(component.trim().replace(/^([^=]*?)\s*=\s*/, '$1='))).filter((component) => component !== '');
}
