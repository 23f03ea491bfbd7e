import type { ImportedConnector, ImportedParameter } from '../model.ts';

/** A secret that the export does not hold, and where the configuration refers to it. */
export interface SecretToSupply {
  /** As in the configuration: `${env:NAME}` or `${secret:NAME}`. */
  readonly reference: string;
  readonly name: string;
  readonly parameter: string;
  readonly where: string;
  readonly why: 'encrypted' | 'sounds-like-a-secret';
}

/** The parameters of a connector for the configuration. */
export interface WrittenParameters {
  readonly value: Readonly<Record<string, unknown>>;
  readonly secrets: readonly SecretToSupply[];
  /** Parameters whose names sound like secrets and are none. */
  readonly publicParameters: readonly string[];
  /** Comments by path below `parameters`. */
  readonly comments: ReadonlyMap<string, string>;
}

type Value = string | boolean;

const SOUNDS_SECRET = /pass|secret|token|pwd|private.?key|api.?key/i;
/** Words that make a name that sounds like a secret harmless. */
const HARMLESS =
  /script|module|attribute|column|field|url|uri|endpoint|policy|length|expir|enable|operation|method|type|template|query|reset|option|sync|hash|lifetime|count|format/i;

/**
 * Writes parameters page by page: `connectivity`, `global`, `capabilities` by name, `schema` a list of pages, and those of partitions
 * and run steps by partition and by profile.
 */
export function writeParameters(
  connector: ImportedConnector,
  options: { readonly directory: string; readonly library: string; readonly secretsIn: 'env' | 'secret'; readonly hostConfiguration?: string },
): WrittenParameters {
  const secrets = new Map<string, SecretToSupply>();
  const publicParameters = new Set<string>();
  const comments = new Map<string, string>();

  const write = (parameters: readonly ImportedParameter[], path: string, where: string): Readonly<Record<string, Value>> => {
    const page: Record<string, Value> = {};
    for (const parameter of parameters) {
      const value = writeValue(parameter, where);
      if (value === undefined) continue;
      page[parameter.name] = value;
      const comment = commentOf(parameter);
      if (comment !== '') comments.set(`${path}\n${parameter.name}`, comment);
    }
    return page;
  };

  function writeValue(parameter: ImportedParameter, where: string): Value | undefined {
    if (parameter.kind === 'secret') return reference(parameter, where, 'encrypted');
    const text = parameter.value ?? parameter.defaultValue;
    if (parameter.kind === 'checkbox') return /^(1|-1|true)$/i.test(text.trim());
    if (text === '' && parameter.value === undefined) return undefined;
    if (text !== '' && SOUNDS_SECRET.test(parameter.name)) {
      const harmless = parameter.kind !== 'string' || HARMLESS.test(parameter.name);
      if (!harmless) return reference(parameter, where, 'sounds-like-a-secret');
      publicParameters.add(parameter.name);
    }
    return escapeReferences(text);
  }

  function reference(parameter: ImportedParameter, where: string, why: SecretToSupply['why']): string {
    const base = environmentName(`${connector.name}_${parameter.name}`);
    let name = base;
    for (let suffix = 2; ; suffix += 1) {
      const known = secrets.get(name);
      if (known === undefined || (known.parameter === parameter.name && known.where === where)) break;
      name = `${base}_${suffix}`;
    }
    const text = `\${${options.secretsIn}:${name}}`;
    secrets.set(name, { reference: text, name, parameter: parameter.name, where, why });
    return text;
  }

  const ofUse = (use: ImportedParameter['use']): readonly ImportedParameter[] => connector.parameters.filter((parameter) => parameter.use === use);
  const value: Record<string, unknown> = {
    directory: options.directory,
    ...(options.library === '' ? {} : { dll: options.library }),
    ...(options.hostConfiguration === undefined ? {} : { hostConfiguration: options.hostConfiguration }),
  };
  for (const use of ['capabilities', 'connectivity', 'global'] as const) {
    const page = write(ofUse(use), use, use);
    if (Object.keys(page).length > 0) value[use] = page;
  }
  const schema = ofUse('schema');
  if (schema.length > 0) {
    const last = Math.max(...schema.map((parameter) => parameter.page));
    value['schema'] = Array.from({ length: Math.min(last, 100) }, (_, index) =>
      write(
        schema.filter((parameter) => Math.min(parameter.page, 100) === index + 1),
        `schema\n${index}`,
        `schema page ${index + 1}`,
      ),
    );
  }
  const partitions = connector.partitions
    .filter((partition) => partition.selected)
    .flatMap((partition): readonly (readonly [string, unknown])[] => {
      const page = write(partition.parameters, `partitions\n${partition.name}`, `partition ${partition.name}`);
      return Object.keys(page).length === 0 ? [] : [[partition.name, page]];
    });
  if (partitions.length > 0) value['partitions'] = Object.fromEntries(partitions);
  const steps = writeStepParameters(connector, write);
  if (Object.keys(steps).length > 0) value['runSteps'] = steps;
  return { value, secrets: [...secrets.values()], publicParameters: [...publicParameters], comments };
}

/** Run-step parameters by kind of step: the first import and the first export step of MIM's profiles say what they were. */
function writeStepParameters(
  connector: ImportedConnector,
  write: (parameters: readonly ImportedParameter[], path: string, where: string) => Readonly<Record<string, Value>>,
): Readonly<Record<string, unknown>> {
  const result: Record<string, unknown> = {};
  for (const [key, kind] of [
    ['full-import', 'full-import'],
    ['delta-import', 'delta-import'],
    ['export', 'export'],
  ] as const) {
    const step = connector.runProfiles.flatMap((profile) => profile.steps).find((one) => one.kind === kind && one.parameters.length > 0);
    if (step === undefined) continue;
    const page = write(step.parameters, `runSteps\n${key}`, `run step ${kind}`);
    if (Object.keys(page).length > 0) result[key] = page;
  }
  return result;
}

function commentOf(parameter: ImportedParameter): string {
  const parts: string[] = [];
  if (parameter.kind === 'secret')
    parts.push(parameter.unset ? 'secret, never filled in: supply it, or delete the line' : 'secret, not in the export: supply it');
  else if (parameter.value === undefined) parts.push('never filled in: the default of the package');
  if (parameter.choices.length > 0) parts.push(`one of: ${parameter.choices.join(', ').slice(0, 300)}`);
  if (parameter.pattern !== '') parts.push(`must match: ${parameter.pattern.slice(0, 200)}`);
  return parts.join('; ').replace(/[\r\n]+/g, ' ');
}

/** Text that looks like one of our references is data here: PowerShell writes `${env:NAME}` too. */
function escapeReferences(text: string): string {
  return text.replace(/(\$+)(\{(?:env|file|secret):[^}\r\n]{1,500}\})?/g, (run, dollars: string, reference?: string) =>
    reference === undefined ? run : `${dollars}${dollars}${reference}`,
  );
}

export function environmentName(text: string): string {
  const name = text
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toUpperCase()
    .slice(0, 60);
  return /^[A-Z]/.test(name) ? name : `SECRET_${name}`;
}
