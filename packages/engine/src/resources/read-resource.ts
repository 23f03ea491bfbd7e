import { type EncodedAttributes, type EncodedValue, messageOf } from '@landbridge/connector-sdk';
import { idOfUri, preparePassword, type ScimResource, scimErrors } from '@landbridge/scim';
import { type Binding, qualifiedName } from './binding.ts';
import { readHosted } from './hosted-attributes.ts';
import type { ResourceModel } from './resource-model.ts';

/** A SCIM resource as attributes of the application. */
export interface ResourceAttributes {
  /** Attributes other than references; an attribute of the model that is absent here has no value. */
  readonly attributes: EncodedAttributes;
  /** SCIM ids referred to, by attribute of the application, for references the resource mentions. */
  readonly references: ReadonlyMap<string, readonly string[]>;
  readonly externalId: string | undefined;
  readonly active: boolean | undefined;
  readonly password: string | undefined;
  /** The distinguished name that the client wrote, on the drop-in face. */
  readonly dn: string | undefined;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads the attributes of an entry from a validated resource.
 *
 * @throws ScimError 400 `invalidValue` naming the path, where the application has no counterpart for a value.
 */
export function readResourceAttributes(model: ResourceModel, resource: ScimResource): ResourceAttributes {
  const attributes: Record<string, EncodedValue | readonly EncodedValue[]> = {};
  const references = new Map<string, readonly string[]>();
  for (const [name, binding] of model.writers) {
    if (binding.source.type === 'reference') {
      references.set(name, readReferences(resource, binding));
      continue;
    }
    const value = readValue(resource, binding, model.bindings);
    if (value !== undefined) attributes[name] = value;
  }
  const json = resource as Json;
  const password = typeof json['password'] === 'string' ? json['password'] : readHosted(resource, model.hosted, 'password');
  return {
    attributes,
    references,
    externalId: typeof json['externalId'] === 'string' ? json['externalId'] : undefined,
    active: typeof json['active'] === 'boolean' ? json['active'] : undefined,
    password: password === undefined ? undefined : preparePassword(password),
    dn: readHosted(resource, model.hosted, 'distinguished-name'),
  };
}

function readValue(resource: ScimResource, binding: Binding, bindings: readonly Binding[]): EncodedValue | readonly EncodedValue[] | undefined {
  const container = containerOf(resource, binding);
  const value = container?.[binding.attribute];
  if (value === undefined || value === null) return undefined;
  switch (binding.shape) {
    case 'single':
      return convert(binding, binding.sub === undefined ? value : (value as Json)[binding.sub]);
    case 'element':
      return convert(binding, findElement(value, binding, bindings)?.[binding.sub ?? 'value']);
    case 'values': {
      const values = (value as readonly unknown[])
        .map((one) => convert(binding, binding.sub === undefined ? one : (one as Json)[binding.sub]))
        .filter((one) => one !== undefined);
      return values.length === 0 ? undefined : [...new Set(values)];
    }
    default:
      return undefined;
  }
}

/** The element with the fixed values; where the mapping names none, the primary one, else the first. */
export function findElement(value: unknown, binding: Binding, bindings: readonly Binding[]): Json | undefined {
  const elements = value as readonly Json[];
  const { fixed } = binding;
  if (fixed === undefined) return elements.find((element) => element['primary'] === true) ?? elements[0];
  const matching = elements.find((element) => Object.entries(fixed).every(([name, wanted]) => String(element[name]).toLowerCase() === wanted.toLowerCase()));
  if (matching !== undefined || elements.length !== 1 || Object.keys(fixed).some((name) => elements[0]?.[name] !== undefined)) return matching;
  // Some clients leave the type out when there is just one element: it is the first that is mapped, not each of them.
  return isFirstElement(binding, bindings) ? elements[0] : undefined;
}

function isFirstElement(binding: Binding, bindings: readonly Binding[]): boolean {
  const first = bindings.find((one) => one.shape === 'element' && one.attribute === binding.attribute && one.extension === binding.extension);
  return JSON.stringify(first?.fixed) === JSON.stringify(binding.fixed);
}

function convert(binding: Binding, value: unknown): EncodedValue | undefined {
  if (value === undefined || value === null) return undefined;
  try {
    return binding.convert.fromScim(value);
  } catch (error) {
    throw scimErrors.invalidValue(`${pathOf(binding)}: ${messageOf(error)}`);
  }
}

function readReferences(resource: ScimResource, binding: Binding): readonly string[] {
  const value = containerOf(resource, binding)?.[binding.attribute];
  if (value === undefined || value === null) return [];
  const elements = (Array.isArray(value) ? value : [value]) as readonly unknown[];
  return elements
    .map((element) => (typeof element === 'string' ? element : String((element as Json)['value'] ?? idOfUri((element as Json)['$ref']) ?? '')))
    .filter((id) => id !== '');
}

function containerOf(resource: ScimResource, binding: Binding): Json | undefined {
  const json = resource as Json;
  return binding.extension === undefined ? json : (json[binding.extension] as Json | undefined);
}

/** The SCIM path of a binding, for messages. */
export function pathOf(binding: Binding): string {
  const filter =
    binding.fixed === undefined
      ? ''
      : `[${Object.entries(binding.fixed)
          .map(([name, value]) => `${name} eq "${value}"`)
          .join(' and ')}]`;
  return `${qualifiedName(binding)}${filter}${binding.sub === undefined ? '' : `.${binding.sub}`}`;
}
