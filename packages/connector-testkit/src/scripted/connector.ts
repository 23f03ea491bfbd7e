import {
  type AttributeChange,
  type Attributes,
  type Capabilities,
  type CompiledObjectType,
  ConnectorError,
  type ConnectorErrorCode,
  compileSchema,
  decodeValue,
  defaultCapabilities,
  defineConnector,
  type EncodedAttributes,
  type EncodedValue,
  type EntryChange,
  type EntryIdentity,
  type EntryResult,
  encodeAttributes,
  encodeValue,
  type FindResult,
  foldCase,
  type HierarchyNode,
  type ImportEntry,
  type ImportStep,
  matchesEntry,
  type Parameters,
  type Partition,
  readAnchor,
  type Schema,
  type SchemaAttribute,
  type Value,
} from '@landbridge/connector-sdk';
import { openScriptedApplication, type ScriptedApplication, type ScriptedInternals, type ScriptedObject, type ScriptPoint, valuesOf } from './application.ts';

/**
 * A connector whose capabilities and schema are its parameters, and which misbehaves as the script of its application says.
 * It stands for other people's connectors, which cannot be had: every rule of the engine about a connector is tried on it.
 *
 * Parameters: `file` (the application), `schema`, `capabilities` (what differs from the defaults), `partitions`,
 * `commitAtClose` (what was put is applied when the session closes, R17), `withholdAnchors` (R9).
 */
export const connector = defineConnector({
  name: 'scripted',
  version: '1.0.0',
  description: 'Does what the script of its application says',
  capabilities: ({ parameters }) => capabilitiesOf(parameters),
  parameters: (page) => (page === 'connectivity' ? [{ name: 'file', kind: 'file', required: true }] : []),
  schema: async ({ parameters }) => schemaOf(parameters),
  partitions: async ({ parameters }) => partitionsOf(parameters),
  async hierarchy({ parameters }, parent) {
    const application = open(parameters);
    const base = parent?.dn ?? '';
    const children = new Set<string>();
    for (const { dn } of application.objects()) {
      if (dn === undefined || !isBelow(dn, base)) continue;
      const above = dn.split(',').slice(1);
      const depth = base === '' ? 0 : base.split(',').length;
      const child = above.slice(Math.max(0, above.length - depth - 1)).join(',');
      if (child !== '' && child !== base) children.add(child);
    }
    return [...children].sort().map((dn): HierarchyNode => ({ dn, displayName: dn.split(',')[0] ?? dn }));
  },
  async openImport({ parameters }, step) {
    const application = open(parameters);
    application.record('open-import', {
      kind: step.kind,
      partition: step.partition?.id,
      watermark: step.watermark,
      pageSize: step.pageSize,
      included: step.included,
      excluded: step.excluded,
    });
    await happen(application, 'open-import', step.signal);
    if (step.kind === 'delta' && !/^\d+$/.test(step.watermark ?? '')) throw new ConnectorError('watermark-lost', 'the watermark cannot be read');
    const pages = importPages(application, parameters, step);
    const watermark = String(application.lastSequence());
    return {
      async readPage({ signal, fullObjects = [] }) {
        const scripted = await happen(application, 'import-page', signal);
        const next = pages.next();
        const entries = next.done ? [] : [...next.value];
        const model = modelOf(parameters);
        if (fullObjects.length > 0) application.record('full-objects', fullObjects);
        for (const { objectType, anchor, dn } of fullObjects) {
          const object = locate(application, model, objectType, anchor, dn);
          if (object !== undefined) entries.push(entryOf(model, object, 'replace'));
        }
        const [first] = entries;
        if (scripted === 'as-update') entries.forEach((entry, index) => void entries.splice(index, 1, asUpdate(entry)));
        if (scripted === 'duplicate' && first !== undefined) entries.push(first);
        if (scripted === 'drop-anchor' && first !== undefined) entries[0] = { ...first, anchor: {} };
        if (scripted === 'bad-entry')
          entries.push({ modification: 'add', objectType: first?.objectType ?? '', anchor: {}, error: { code: 'invalid-data', message: 'scripted' } });
        return { entries, more: !next.done, watermark };
      },
      async close(reason) {
        application.record('close-import', { reason });
        await happen(application, 'close-import', step.signal);
        return { watermark };
      },
    };
  },
  async openExport({ parameters }, { signal, partition, kind, batchSize }) {
    const application = open(parameters);
    application.record('open-export', { kind, batchSize, partition: partition?.id });
    await happen(application, 'open-export', signal);
    let buffered: (() => void)[] = [];
    return {
      async put(changes) {
        application.record('put', changes);
        await happen(application, 'before-put', signal);
        const results: EntryResult[] = [];
        const model = modelOf(parameters);
        for (const change of changes) {
          const scripted = await happen(application, 'during-put', signal);
          if (scripted?.startsWith('fail-entry:')) {
            results.push({ id: change.id, error: { code: scripted.slice(11) as ConnectorErrorCode, message: 'scripted' } });
            continue;
          }
          const apply = (): EntryResult => applyChange(application, model, change, partition?.id);
          if (scripted?.startsWith('apply-late:')) {
            setTimeout(apply, Number(scripted.slice(11)));
            await new Promise(() => {});
          }
          if (parameters['commitAtClose'] === true) {
            buffered.push(() => void apply());
            results.push({ id: change.id });
          } else {
            const result = apply();
            results.push(parameters['withholdAnchors'] === true || scripted === 'withhold-anchor' ? withoutAnchor(result) : result);
          }
        }
        const scripted = await happen(application, 'after-put', signal);
        if (scripted === 'omit') return [];
        if (scripted === 'repeat') return [...results, ...results];
        if (scripted === 'rename') return results.map((result) => ({ ...result, id: `not ${result.id}` }));
        return results;
      },
      async close(reason) {
        application.record('close-export', { reason });
        await happen(application, 'close-export', signal);
        for (const apply of buffered) apply();
        buffered = [];
      },
    };
  },
  async openPassword({ parameters }, { signal, partition }) {
    const application = open(parameters);
    const find = (identity: EntryIdentity): ScriptedObject => {
      const object = locate(application, modelOf(parameters), identity.objectType, identity.anchor, identity.dn);
      if (object === undefined) throw new ConnectorError('not-found', 'there is no such object');
      return object;
    };
    return {
      security: parameters['passwordsNotSecure'] === true ? 'not-secure' : 'secure',
      async set(identity, password) {
        application.record('set-password', { objectType: identity.objectType, anchor: identity.anchor, dn: identity.dn, partition: partition?.id });
        await happen(application, 'set-password', signal);
        const object = find(identity);
        if (password.length < 4) throw new ConnectorError('password-policy', 'a password has at least four characters');
        application.setPassword(object.type, object.key, password);
      },
      async change(identity, old, password) {
        const object = find(identity);
        if (object.password !== old) throw new ConnectorError('old-password', 'the old password is wrong');
        application.setPassword(object.type, object.key, password);
      },
      close: async () => {},
    };
  },
  async find({ parameters }, request): Promise<FindResult> {
    const application = open(parameters);
    application.record('find', request.filter);
    await happen(application, 'find', request.signal);
    const model = modelOf(parameters).get(request.objectType);
    const found = application.objects(request.objectType).filter((object) => matchesEntry(request.filter, object.attributes));
    return {
      entries: model === undefined ? [] : found.slice(0, request.limit).map((object) => toEntry(model, object, 'add')),
      truncated: found.length > request.limit,
    };
  },
  async *test({ parameters }) {
    const started = Date.now();
    open(parameters);
    yield { layer: 'tcp', status: 'passed', message: 'the application is a file', milliseconds: Date.now() - started };
    yield { layer: 'schema', status: 'passed', message: `${schemaOf(parameters).objectTypes.length} object types`, milliseconds: 0 };
  },
});

const applications = new Map<string, ScriptedApplication & ScriptedInternals>();

function open(parameters: Parameters): ScriptedApplication & ScriptedInternals {
  const file = parameters['file'];
  if (typeof file !== 'string') throw new ConnectorError('invalid-configuration', 'the parameter "file" is missing', { parameter: 'file' });
  const known = applications.get(file);
  if (known !== undefined) return known;
  const opened = openScriptedApplication(file);
  applications.set(file, opened);
  return opened;
}

function capabilitiesOf(parameters: Parameters): Capabilities {
  const base: Capabilities = { ...defaultCapabilities, deltaImport: true, isolatedEntries: true, find: true, test: true, password: true };
  // A test writes what differs; the contract of the parameter is the interface itself.
  return { ...base, ...(parameters['capabilities'] as Partial<Capabilities> | undefined) };
}

function schemaOf(parameters: Parameters): Schema {
  return { objectTypes: parameters['schema'] as unknown as Schema['objectTypes'] };
}

function partitionsOf(parameters: Parameters): readonly Partition[] {
  return (parameters['partitions'] ?? []) as unknown as readonly Partition[];
}

function modelOf(parameters: Parameters): ReadonlyMap<string, CompiledObjectType> {
  return compileSchema(schemaOf(parameters), { dnAsAnchor: capabilitiesOf(parameters).dnAsAnchor });
}

/** Does what the script says, and tells the caller what is left for it to do. */
async function happen(application: ScriptedInternals, point: ScriptPoint, signal: AbortSignal): Promise<string | undefined> {
  const scripted = application.next(point);
  if (scripted === undefined) return undefined;
  const { action, value } = scripted;
  switch (action) {
    case 'throw':
      throw new ConnectorError((value ?? 'unknown') as ConnectorErrorCode, `scripted at ${point}`);
    case 'throw-text':
      throw `scripted at ${point}`;
    case 'hang':
      await new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(new ConnectorError('cancelled', 'cancelled')), { once: true }));
      return undefined;
    case 'block':
      for (;;);
    case 'exit':
      return process.exit(3);
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, Number(value)));
      return undefined;
    default:
      return value === undefined ? action : `${action}:${value}`;
  }
}

function* importPages(application: ScriptedApplication, parameters: Parameters, step: ImportStep): Generator<readonly ImportEntry[]> {
  const model = modelOf(parameters);
  const inScope = (object: ScriptedObject): boolean => {
    const type = step.schema.objectTypes.some((one) => one.name === object.type);
    const partition = step.partition === undefined || object.partition === step.partition.id;
    const included = (step.included ?? []).length === 0 || (step.included ?? []).some((node) => isBelow(object.dn ?? '', node.dn));
    return type && partition && included && !(step.excluded ?? []).some((node) => isBelow(object.dn ?? '', node.dn));
  };
  const selected = (object: ScriptedObject): ScriptedObject => {
    const names = new Set(step.schema.objectTypes.find((one) => one.name === object.type)?.attributes.map((one) => one.name));
    return { ...object, attributes: Object.fromEntries(Object.entries(object.attributes).filter(([name]) => names.has(name))) };
  };
  const all =
    step.watermark === undefined || step.kind === 'full'
      ? application
          .objects()
          .filter(inScope)
          .map((object) => entryOf(model, selected(object), 'add'))
      : deltaEntries(application, model, Number(step.watermark), inScope, selected);
  for (let index = 0; index < all.length; index += step.pageSize) yield all.slice(index, index + step.pageSize);
}

function deltaEntries(
  application: ScriptedApplication,
  model: ReadonlyMap<string, CompiledObjectType>,
  since: number,
  inScope: (object: ScriptedObject) => boolean,
  selected: (object: ScriptedObject) => ScriptedObject,
): readonly ImportEntry[] {
  const last = new Map<string, { readonly type: string; readonly key: string }>();
  for (const { type, key } of application.changesSince(since)) last.set(`${type} ${key}`, { type, key });
  const entries: ImportEntry[] = [];
  for (const { type, key } of last.values()) {
    const object = application.get(type, key);
    const compiled = model.get(type);
    if (compiled === undefined) continue;
    if (object !== undefined && inScope(object)) entries.push(entryOf(model, selected(object), 'replace'));
    else if (object === undefined) entries.push({ modification: 'delete', objectType: type, ...identityOf(compiled, key) });
  }
  return entries;
}

function identityOf(type: CompiledObjectType, key: string): { readonly anchor: Attributes; readonly dn?: string } {
  if (type.anchor.length === 0) return { anchor: {}, dn: key };
  const parts = type.anchor.length === 1 ? [key] : (JSON.parse(key) as readonly string[]);
  return { anchor: Object.fromEntries(type.anchor.map((attribute, index) => [attribute.name, decodeValue(attribute.type, parts[index] ?? '')])) };
}

function entryOf(model: ReadonlyMap<string, CompiledObjectType>, object: ScriptedObject, modification: 'add' | 'replace'): ImportEntry {
  const type = model.get(object.type);
  if (type === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${object.type}"`);
  return toEntry(type, object, modification);
}

function toEntry(type: CompiledObjectType, object: ScriptedObject, modification: 'add' | 'replace'): ImportEntry {
  const attributes: Record<string, Attributes[string]> = {};
  for (const [name, value] of Object.entries(object.attributes)) {
    const attribute = type.attributes.get(name);
    if (attribute === undefined || attribute.anchor || attribute.direction === 'export-only') continue;
    attributes[name] = Array.isArray(value)
      ? value.map((one: EncodedValue) => decodeValue(attribute.type, one))
      : decodeValue(attribute.type, value as EncodedValue);
  }
  return { modification, objectType: object.type, ...identityOf(type, object.key), attributes, ...(object.dn === undefined ? {} : { dn: object.dn }) };
}

function locate(
  application: ScriptedApplication,
  model: ReadonlyMap<string, CompiledObjectType>,
  objectType: string,
  anchor: Attributes | undefined,
  dn: string | undefined,
): ScriptedObject | undefined {
  const type = model.get(objectType);
  if (type === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${objectType}"`);
  const key = anchor === undefined ? undefined : readAnchor(type, encodeAttributes(type, anchor));
  if (key !== undefined) return application.get(objectType, key);
  return dn === undefined ? undefined : application.objects(objectType).find((object) => object.dn !== undefined && foldCase(object.dn) === foldCase(dn));
}

function applyChange(
  application: ScriptedApplication & ScriptedInternals,
  model: ReadonlyMap<string, CompiledObjectType>,
  change: EntryChange,
  partition: string | undefined,
): EntryResult {
  try {
    let result: EntryResult = { id: change.id };
    application.atomically(() => {
      result = change.modification === 'add' ? addObject(application, model, change, partition) : changeObject(application, model, change);
    });
    return result;
  } catch (error) {
    if (error instanceof ConnectorError) return { id: change.id, error: { code: error.code, message: error.message, detail: error.detail } };
    throw error;
  }
}

function addObject(
  application: ScriptedApplication & ScriptedInternals,
  model: ReadonlyMap<string, CompiledObjectType>,
  change: EntryChange,
  of: string | undefined,
): EntryResult {
  const type = model.get(change.objectType);
  if (type === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${change.objectType}"`);
  const attributes = afterChanges(type, {}, change.changes);
  const missing = type.definition.attributes.find(
    (attribute) => attribute.required === true && attribute.assigned !== true && attributes[attribute.name] === undefined && attribute.anchor !== true,
  );
  if (missing !== undefined) throw new ConnectorError('missing-attribute', `"${missing.name}" is needed`, { attribute: missing.name });
  for (const attribute of type.anchor) if (attribute.assigned === true) attributes[attribute.name] = application.newKey();
  if (change.anchor !== undefined) Object.assign(attributes, encodeAttributes(type, change.anchor));
  const key = readAnchor(type, attributes) ?? (type.anchor.length === 0 ? change.dn : undefined);
  if (key === undefined) throw new ConnectorError('missing-attribute', 'the anchor is missing');
  if (application.get(type.name, key) !== undefined) throw new ConnectorError('already-exists', 'the anchor exists');
  refuseTwins(application, type, key, attributes);
  const partition = of ?? (change.dn === undefined ? '' : (change.dn.split(',').at(-1) ?? ''));
  application.put({ type: type.name, key, attributes, partition, ...(change.dn === undefined ? {} : { dn: change.dn }) });
  if (change.password !== undefined) application.setPassword(type.name, key, change.password);
  return { id: change.id, ...(type.anchor.length === 0 ? {} : { anchor: identityOf(type, key).anchor }) };
}

function changeObject(application: ScriptedApplication, model: ReadonlyMap<string, CompiledObjectType>, change: EntryChange): EntryResult {
  const object = locate(application, model, change.objectType, change.anchor, change.dn);
  const type = model.get(change.objectType);
  if (object === undefined || type === undefined) throw new ConnectorError('not-found', 'there is no such object');
  if (change.modification === 'delete') {
    application.remove(object.type, object.key);
    return { id: change.id };
  }
  const base: EncodedAttributes =
    change.modification === 'replace'
      ? Object.fromEntries(Object.entries(object.attributes).filter(([name]) => type.attributes.get(name)?.anchor === true))
      : object.attributes;
  const attributes = afterChanges(type, base, change.changes);
  refuseTwins(application, type, object.key, attributes);
  const dn = change.newDn ?? object.dn;
  const key = type.anchor.length === 0 ? (dn ?? object.key) : object.key;
  if (key !== object.key) application.remove(object.type, object.key);
  application.put({ ...object, key, attributes, ...(dn === undefined ? {} : { dn }) });
  return { id: change.id };
}

function refuseTwins(application: ScriptedApplication, type: CompiledObjectType, key: string, attributes: EncodedAttributes): void {
  for (const attribute of type.definition.attributes) {
    if (attribute.unique !== true || attributes[attribute.name] === undefined) continue;
    const mine = valuesOf(attributes, attribute.name).map((value) => comparable(attribute, value));
    const twin = application
      .objects(type.name)
      .find((one) => one.key !== key && valuesOf(one.attributes, attribute.name).some((value) => mine.includes(comparable(attribute, value))));
    if (twin !== undefined) throw new ConnectorError('already-exists', `another object has the same "${attribute.name}"`, { attribute: attribute.name });
  }
}

function comparable(attribute: SchemaAttribute, value: EncodedValue): string {
  return attribute.type === 'string' && attribute.caseExact !== true ? foldCase(String(value)) : String(value);
}

function afterChanges(
  type: CompiledObjectType,
  before: EncodedAttributes,
  changes: readonly AttributeChange[],
): Record<string, EncodedValue | readonly EncodedValue[]> {
  const after: Record<string, EncodedValue | readonly EncodedValue[]> = { ...before };
  for (const change of changes) {
    const attribute = type.attributes.get(change.name);
    if (attribute === undefined) throw new ConnectorError('invalid-attribute-value', `there is no attribute "${change.name}"`, { attribute: change.name });
    const encode = (values: readonly Value[]): readonly EncodedValue[] => values.map((value) => encodeValue(attribute.type, value));
    if (change.modification === 'delete') delete after[change.name];
    else if (change.modification === 'update') {
      const removed = encode(change.removed);
      const kept = valuesOf(after, change.name).filter((value) => !removed.includes(value));
      const values = [...new Set([...kept, ...encode(change.added)])];
      if (values.length === 0) delete after[change.name];
      else after[change.name] = values;
    } else {
      const values = encode(change.values);
      if (values.length === 0) delete after[change.name];
      else after[change.name] = attribute.multiValued ? [...values] : (values[0] as EncodedValue);
    }
  }
  return after;
}

function asUpdate({ attributes, ...entry }: ImportEntry): ImportEntry {
  const values = (value: Attributes[string]): readonly Value[] => (Array.isArray(value) ? (value as readonly Value[]) : [value as Value]);
  const changes = Object.entries(attributes ?? {}).map(([name, value]): AttributeChange => ({ name, modification: 'replace', values: values(value) }));
  return { ...entry, modification: 'update', changes };
}

function withoutAnchor({ anchor: _, ...result }: EntryResult): EntryResult {
  return result;
}

function isBelow(dn: string, base: string): boolean {
  return base === '' || foldCase(dn) === foldCase(base) || foldCase(dn).endsWith(`,${foldCase(base)}`);
}
