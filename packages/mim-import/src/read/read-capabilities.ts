import type { ImportedCapabilities } from '../model.ts';
import type { TrackedElement } from '../xml/tracked-element.ts';
import { parseBoolean } from './scalars.ts';

/** Bits of the capability numbers. Microsoft documents none of them; they were found by comparison (mim-xml §4.5). */
const BIT = {
  noImport: 0x4,
  noHierarchy: 0x8,
  genericDn: 0x30,
  ldapDn: 0x70,
  noExport: 0x80,
  objectRename: 0x200,
  noReferenceValuesInFirstExport: 0x400,
  password: 0x800,
  deltaImport: 0x1000,
  concurrentOperation: 0x8000,
  deleteAddAsReplace: 0x1_0000,
  uppercase: 0x8_0000,
  removeAccents: 0x10_0000,
  noPartitions: 0x100_0000,
  fullExport: 0x200_0000,
  noAddAndDeleteConfirmation: 0x2400_0000,
  exportPasswordInFirstPass: 0x1000_0000,
  dnAsAnchor: 0x4000_0000,
} as const;

const EXPORT_TYPES: Readonly<Record<string, ImportedCapabilities['exportType']>> = {
  1: 'attribute-update',
  2: 'attribute-replace',
  3: 'object-replace',
  5: 'multivalued-reference-update',
};

/**
 * Reads the capabilities: the engine's effective mask, else the package's own bits; "not supported" is believed when set,
 * and checked against what the interfaces are enabled for.
 */
export function readCapabilities(data: TrackedElement, extension: TrackedElement | undefined): ImportedCapabilities | undefined {
  const bits = parseNumber(extension?.textOf('capability-bits'), 10);
  const mask = parseNumber(data.textOf('capabilities-mask'), 16);
  const exportType = data.textOf('export-type').trim() || (extension?.textOf('export-type').trim() ?? '');
  extension?.textOf('export-type');
  const importEnabled = parseBoolean(extension?.textOf('import-enabled'));
  const exportEnabled = parseBoolean(extension?.textOf('export-enabled'));
  const discovery = { partition: extension?.textOf('discovery-partition') ?? '', hierarchy: extension?.textOf('discovery-hierarchy') ?? '' };
  const value = mask ?? bits;
  if (value === undefined) return undefined;
  const has = (bit: number): boolean => (value & bit) >>> 0 === bit >>> 0;
  const confirmation = (value & BIT.noAddAndDeleteConfirmation) >>> 0;
  return {
    bits,
    mask,
    import: !has(BIT.noImport) && importEnabled !== false,
    deltaImport: has(BIT.deltaImport),
    export: !has(BIT.noExport) && exportEnabled !== false,
    fullExport: has(BIT.fullExport),
    password: has(BIT.password),
    partitions: !has(BIT.noPartitions) && discovery.partition !== '',
    hierarchy: !has(BIT.noHierarchy) && discovery.hierarchy !== '',
    distinguishedNameStyle: has(BIT.ldapDn) ? 'ldap' : has(BIT.genericDn) ? 'generic' : 'none',
    dnAsAnchor: has(BIT.dnAsAnchor),
    objectRename: has(BIT.objectRename),
    noReferenceValuesInFirstExport: has(BIT.noReferenceValuesInFirstExport),
    deleteAddAsReplace: has(BIT.deleteAddAsReplace),
    exportPasswordInFirstPass: has(BIT.exportPasswordInFirstPass),
    objectConfirmation: confirmation === 0 ? 'normal' : confirmation === BIT.noAddAndDeleteConfirmation ? 'no-add-and-delete-confirmation' : 'unclear',
    concurrentOperation: has(BIT.concurrentOperation),
    normalizations: [...(has(BIT.uppercase) ? (['uppercase'] as const) : []), ...(has(BIT.removeAccents) ? (['remove-accents'] as const) : [])],
    exportType: EXPORT_TYPES[exportType] ?? 'unknown',
  };
}

function parseNumber(text: string | undefined, radix: 10 | 16): number | undefined {
  const trimmed = text?.trim() ?? '';
  if (!(radix === 16 ? /^[0-9a-f]{1,8}$/i : /^\d{1,10}$/).test(trimmed)) return undefined;
  const value = Number.parseInt(trimmed, radix);
  return value <= 0xffff_ffff ? value : undefined;
}
