import type { ImportedPartition, ImportedRunProfile, ImportedStep, StepKind } from '../model.ts';
import type { TrackedElement } from '../xml/tracked-element.ts';
import type { Notes } from './notes.ts';
import { addUnset, type ParameterDefinitionEntry, readParameterValues } from './read-parameters.ts';
import { normalizeGuid, parseCount } from './scalars.ts';

/** Step types of MIM and what they come to here. */
const STEPS: Readonly<Record<string, { readonly kind: StepKind; readonly label: string }>> = {
  'full-import': { kind: 'full-import', label: 'full import' },
  'delta-import': { kind: 'delta-import', label: 'delta import' },
  'full-import-reevaluate-rules': { kind: 'full-import', label: 'full import and full synchronisation' },
  'apply-rules': { kind: 'sync', label: 'synchronisation' },
  export: { kind: 'export', label: 'export' },
};

/** Reads run profiles (mim-xml §6). */
export function readRunProfiles(
  data: TrackedElement,
  partitions: readonly ImportedPartition[],
  definitions: readonly ParameterDefinitionEntry[],
  maxPageSize: number,
  notes: Notes,
): readonly ImportedRunProfile[] {
  const byId = new Map(partitions.map((partition) => [partition.id, partition.name]));
  return (data.child('ma-run-data')?.all('run-configuration') ?? []).map((element): ImportedRunProfile => {
    const name = element.textOf('name');
    for (const stamp of ['id', 'creation-time', 'last-modification-time', 'version']) element.textOf(stamp);
    return {
      name,
      steps: (element.child('configuration')?.all('step') ?? []).flatMap((step) => readStep(step, name, byId, definitions, maxPageSize, notes)),
    };
  });
}

function readStep(
  element: TrackedElement,
  profile: string,
  partitions: ReadonlyMap<string, string>,
  definitions: readonly ParameterDefinitionEntry[],
  maxPageSize: number,
  notes: Notes,
): readonly ImportedStep[] {
  const stepType = element.child('step-type');
  const type = stepType?.attribute('type') ?? '';
  const subtypes = ['import-subtype', 'export-subtype', 'apply-rules-subtype'].flatMap((name) => (stepType?.all(name) ?? []).map((one) => one.text().trim()));
  const known = STEPS[type];
  if (known === undefined) {
    element.setAside('reported', `a step of an unknown type "${type}" in the run profile "${profile}"`);
    notes.add('no-counterpart', `run profile ${profile}`, `a step of the type "${type}" is not known and was left out`);
    return [];
  }
  const threshold = element.child('threshold');
  const custom = element.child('custom-data');
  const own = custom?.child('extensible2-step-data');
  threshold?.textOf('batch-size');
  const reference = normalizeGuid(element.textOf('partition'));
  const partition = partitions.get(reference);
  if (partition === undefined && reference !== '')
    notes.add('warning', `run profile ${profile}`, 'a step names a partition that the file does not have; it runs for all selected ones');
  const file = element.textOf('dropfile-name');
  const parameters = readParameterValues(custom?.child('parameter-values'), definitions, 'run-step', notes);
  const wanted = parseCount(own?.textOf('batch-size'));
  return [
    {
      kind: known.kind,
      label: labelOf(type, known.label, subtypes),
      partition: partition ?? '',
      pageSize: maxPageSize > 0 ? Math.min(wanted, maxPageSize) : wanted,
      timeoutSeconds: parseCount(own?.textOf('timeout')),
      objectThreshold: parseCount(threshold?.textOf('object')),
      deleteThreshold: parseCount(threshold?.textOf('delete')),
      file: subtypes.includes('to-file') || subtypes.includes('resume-from-file') || file !== '' ? file : undefined,
      parameters: known.kind === 'sync' ? parameters : addUnset(parameters, definitions, ['run-step']),
    },
  ];
}

function labelOf(type: string, label: string, subtypes: readonly string[]): string {
  if (type === 'apply-rules') return subtypes.includes('reevaluate-flow-connectors') ? 'full synchronisation' : 'delta synchronisation';
  if (type === 'full-import' || type === 'delta-import') return subtypes.includes('to-cs') ? `${label}, stage only` : `${label} and delta synchronisation`;
  return label;
}
