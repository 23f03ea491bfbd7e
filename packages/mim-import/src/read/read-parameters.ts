import type { ImportedParameter, ParameterUse } from '../model.ts';
import type { TrackedElement } from '../xml/tracked-element.ts';
import type { Notes } from './notes.ts';
import { parseBoolean, parseCount } from './scalars.ts';

const USES: Readonly<Record<string, ParameterUse>> = {
  capabilities: 'capabilities',
  connectivity: 'connectivity',
  schema: 'schema',
  global: 'global',
  partition: 'partition',
  'run-step': 'run-step',
  runstep: 'run-step',
};

/** Kinds by the type written in the file; MIM and the Entra host spell them differently. */
const KINDS: Readonly<Record<string, ImportedParameter['kind'] | 'decoration'>> = {
  string: 'string',
  text: 'text',
  'encrypted-string': 'secret',
  encryptedstring: 'secret',
  checkbox: 'checkbox',
  'drop-down': 'drop-down',
  dropdown: 'drop-down',
  file: 'file',
  label: 'decoration',
  divider: 'decoration',
};

/** The definition of a parameter as the file has it. */
export interface ParameterDefinitionEntry {
  readonly name: string;
  readonly use: ParameterUse;
  readonly page: number;
  readonly kind: ImportedParameter['kind'];
  readonly defaultValue: string;
  readonly pattern: string;
  readonly choices: readonly string[];
}

/** Reads the definitions; labels and dividers are decoration of a dialogue. */
export function readParameterDefinitions(config: TrackedElement | undefined, notes: Notes): readonly ParameterDefinitionEntry[] {
  const list = config?.child('parameter-definitions');
  for (const name of ['Schema', 'Partition', 'ConnectivityParameters', 'CapabilitiesParameters', 'GlobalParameters', 'SchemaParameters', 'OtherParameters'])
    list?.attribute(`refresh${name}`);
  return (list?.all('parameter') ?? []).flatMap((element): readonly ParameterDefinitionEntry[] => {
    const name = element.textOf('name');
    const use = readUse(element.textOf('use'), name, notes);
    const kind = readKind(element.textOf('type'), name, notes);
    const validation = element.textOf('validation');
    const defaultValue = element.textOf('default-value');
    const page = parseCount(element.textOf('page-number')) || 1;
    element.textOf('dropdown-extensible');
    element.textOf('text');
    if (kind === 'decoration') return [];
    return [
      {
        name,
        use,
        page,
        kind,
        defaultValue,
        pattern: kind === 'drop-down' ? '' : validation,
        choices: kind === 'drop-down' ? validation.split(',').filter((choice) => choice !== '') : [],
      },
    ];
  });
}

/** Reads the values of one place. Cipher text is dropped: it cannot be decrypted anywhere but on the old server. */
export function readParameterValues(
  list: TrackedElement | undefined,
  definitions: readonly ParameterDefinitionEntry[],
  use: ParameterUse | undefined,
  notes: Notes,
): readonly ImportedParameter[] {
  return (list?.all('parameter') ?? []).flatMap((element): readonly ImportedParameter[] => {
    const name = element.attribute('name') ?? '';
    const writtenUse = element.attribute('use');
    const pageText = element.attribute('page-number');
    const page = parseCount(pageText) || 1;
    const type = element.attribute('type') ?? element.attribute('dataType');
    element.attribute('dataType');
    const encrypted = parseBoolean(element.attribute('encrypted')) === true;
    const text = element.text();
    const definition =
      definitions.find(
        (one) => one.name === name && (writtenUse === undefined || one.use === USES[writtenUse.toLowerCase()]) && (pageText === undefined || one.page === page),
      ) ?? definitions.find((one) => one.name === name);
    const actualUse = writtenUse === undefined ? (definition?.use ?? use ?? 'connectivity') : readUse(writtenUse, name, notes);
    const kind = type === undefined ? (definition?.kind ?? 'string') : readKind(type, name, notes);
    if (kind === 'decoration') return [];
    return [
      joinParameter({ name, use: actualUse, page: pageText === undefined ? (definition?.page ?? page) : page, kind, encrypted, text }, definition, notes),
    ];
  });
}

/** Joins a value with its definition. */
export function joinParameter(
  value: {
    readonly name: string;
    readonly use: ParameterUse;
    readonly page: number;
    readonly kind: ImportedParameter['kind'];
    readonly encrypted: boolean;
    readonly text: string;
  },
  definition: ParameterDefinitionEntry | undefined,
  notes: Notes,
): ImportedParameter {
  const secret = value.encrypted || value.kind === 'secret' || definition?.kind === 'secret';
  if (secret && value.text !== '')
    notes.add('warning', `parameter ${value.name}`, 'the file holds cipher text or a value for it; it was dropped, supply the secret anew');
  return {
    name: value.name,
    use: value.use,
    page: value.page,
    kind: secret ? 'secret' : value.kind,
    value: secret ? undefined : value.text,
    unset: false,
    defaultValue: secret ? '' : (definition?.defaultValue ?? ''),
    pattern: definition?.pattern ?? '',
    choices: definition?.choices ?? [],
    defined: definition !== undefined,
  };
}

/** Parameters that are defined and were never filled in: the default serves, or a secret is missing. */
export function addUnset(
  values: readonly ImportedParameter[],
  definitions: readonly ParameterDefinitionEntry[],
  uses: readonly ParameterUse[],
): readonly ImportedParameter[] {
  const keyOf = (one: { readonly use: string; readonly page: number; readonly name: string }): string => JSON.stringify([one.use, one.page, one.name]);
  const byKey = new Map(values.map((value) => [keyOf(value), value]));
  const ordered = definitions
    .filter((definition) => uses.includes(definition.use))
    .map(
      (definition): ImportedParameter =>
        byKey.get(keyOf(definition)) ?? {
          ...definition,
          value: undefined,
          unset: true,
          defaultValue: definition.kind === 'secret' ? '' : definition.defaultValue,
          defined: true,
        },
    );
  const known = new Set(ordered.map(keyOf));
  return [...ordered, ...values.filter((value) => !known.has(keyOf(value)))];
}

export function readUse(text: string, name: string, notes: Notes): ParameterUse {
  const use = USES[text.trim().toLowerCase()];
  if (use === undefined) notes.add('warning', `parameter ${name}`, `its use "${text}" is not known; it is taken as a connectivity parameter`);
  return use ?? 'connectivity';
}

export function readKind(text: string, name: string, notes: Notes): ImportedParameter['kind'] | 'decoration' {
  const type = text.trim().toLowerCase();
  const kind = KINDS[type] ?? (type.startsWith('encrypted') ? 'secret' : undefined);
  if (kind === undefined) notes.add('warning', `parameter ${name}`, `its type "${text}" is not known; it is taken as a string`);
  return kind ?? 'string';
}
