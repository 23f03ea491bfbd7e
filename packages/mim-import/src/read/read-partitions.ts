import type { ImportedPartition } from '../model.ts';
import type { TrackedElement } from '../xml/tracked-element.ts';
import type { Notes } from './notes.ts';
import { addUnset, type ParameterDefinitionEntry, readParameterValues } from './read-parameters.ts';
import { distinct, normalizeGuid, parseBoolean } from './scalars.ts';

/** What a connector without partitions calls its only one. */
export const DEFAULT_PARTITION = 'default';

/** Reads partitions with their object types and containers (mim-xml §5). Counters and states of the old server are put aside. */
export function readPartitions(data: TrackedElement, definitions: readonly ParameterDefinitionEntry[], notes: Notes): readonly ImportedPartition[] {
  return (data.child('ma-partition-data')?.all('partition') ?? []).map((element): ImportedPartition => {
    const name = element.textOf('name');
    const filter = element.child('filter');
    const containers = filter?.child('containers');
    const custom = element.child('custom-data');
    const ecma = custom?.child('ecma-partition-data');
    for (const stamp of ['creation-time', 'last-modification-time', 'version']) element.textOf(stamp);
    for (const state of ['allowed-operations', 'current', 'last-successful-batch']) element.child(state)?.setAside('ignored', 'run state of the old server');
    element.child('filter-hints')?.setAside('ignored', 'state of the dialogue');
    element.textOf('display-name');
    const waterMark = custom?.child('water-mark');
    if (waterMark !== undefined && waterMark.element.text !== '') {
      waterMark.setAside('reported', 'the watermark of the last delta import is not taken over: the first full import makes a new one');
      notes.add('decide', `partition ${name}`, 'the watermark of the last delta import was not taken over; run a full import first');
    } else waterMark?.setAside('ignored', 'an empty watermark');
    element.child('password-sync')?.setAside('reported', `partition ${name} is a source of password synchronisation; a connector host has no counterpart`);
    for (const field of ['name', 'is-domain']) ecma?.textOf(field);
    const texts = (parent: TrackedElement | undefined, child: string): readonly string[] =>
      distinct((parent?.all(child) ?? []).map((one) => one.text()).filter((text) => text !== ''));
    return {
      id: normalizeGuid(element.textOf('id')),
      name,
      dn: ecma?.textOf('dn') ?? name,
      selected: parseBoolean(element.textOf('selected')) !== false,
      objectTypes: texts(filter?.child('object-classes'), 'object-class'),
      included: texts(containers?.child('inclusions'), 'inclusion'),
      excluded: texts(containers?.child('exclusions'), 'exclusion'),
      parameters: addUnset(readParameterValues(custom?.child('parameter-values'), definitions, 'partition', notes), definitions, ['partition']),
    };
  });
}
