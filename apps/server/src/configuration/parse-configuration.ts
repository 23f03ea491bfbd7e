import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { messageOf } from '@landbridge/connector-sdk';
import {
  type ConnectorConfiguration,
  configurationDefaults,
  type DeprovisioningFlow,
  type IdDecoder,
  type ObjectTypeConfiguration,
  type RunProfile,
  type RunStepDefinition,
} from '@landbridge/engine';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument, stringify } from 'yaml';
import type { AlertsDocument } from './alerts-document.ts';
import type { AuthenticationDocument } from './authentication-configuration.ts';
import { findWrongTimes } from './check-times.ts';
import { documentSchema } from './document-schema.ts';
import { findDuplicateKeys } from './duplicate-keys.ts';
import { noDuration, readDuration } from './durations.ts';
import { nearest } from './nearest.ts';
import { hasLiteralPassword, type StoreDocument } from './store-document.ts';

/** Something wrong in a configuration, where, and what to do. */
export interface ConfigurationProblem {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
}

type Json = { readonly [key: string]: unknown };

/** The document as written: secrets are references still. */
export interface ConfigurationDocument {
  readonly version: 1;
  readonly server?: {
    readonly host?: string;
    readonly port?: number;
    readonly publicUrl?: string;
    readonly tls?: { readonly certificate: string; readonly key: string };
  };
  readonly store?: StoreDocument;
  readonly authentication?: AuthenticationDocument;
  readonly alerts?: AlertsDocument;
  readonly packages?: { readonly requireSignature?: boolean; readonly keys?: Readonly<Record<string, string>> };
  readonly connectors: Readonly<Record<string, Json>>;
}

/** A document read from text, or why it cannot be. */
export type ParsedConfiguration =
  | { readonly document: ConfigurationDocument; readonly problems: readonly [] }
  | { readonly document: undefined; readonly problems: readonly ConfigurationProblem[] };

const validate = new Ajv2020({ allErrors: true, strict: false }).compile(documentSchema);
const SECRET_NAME = /pass|secret|token|pwd|private.?key|api.?key/i;
const REFERENCE = /(\$*)\$\{(env|file|secret):([^}\r\n]{1,500})\}/g;

const TWICE = 'this name stands twice in the same place (map keys must be unique); remove one, or join them';

/** Where the parser's own words do not say what to do. */
const YAML_ERRORS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'there is more than one document; keep one, without lines of ---',
  TAB_AS_INDENT: 'tabs are not allowed as indentation; write spaces',
};

/** Parses and checks a configuration: YAML or JSON. Problems carry line and column of the text. */
export function parseConfiguration(text: string): ParsedConfiguration {
  try {
    return parseAndCheck(text);
  } catch (error) {
    // An alias without its anchor, aliases that multiply, thousands of brackets: the parser gives up on them by throwing.
    const message = error instanceof RangeError ? 'it is nested too deep' : messageOf(error);
    return { document: undefined, problems: [{ line: 1, column: 1, path: '', message: `this is not YAML: ${message}` }] };
  }
}

function parseAndCheck(text: string): ParsedConfiguration {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error', uniqueKeys: false });
  const errors = [
    ...yaml.errors.map((error) => ({ position: error.pos[0], message: YAML_ERRORS[error.code] ?? error.message.split('\n')[0] ?? '' })),
    ...findDuplicateKeys(yaml).map((position) => ({ position, message: TWICE })),
  ];
  if (errors.length > 0) {
    return {
      document: undefined,
      problems: errors.map(({ position, message }) => {
        const at = lines.linePos(position);
        return { line: at.line, column: at.col, path: '', message: `this is not YAML: ${message}` };
      }),
    };
  }
  const document = yaml.toJS({ maxAliasCount: 100 }) as unknown;
  const problems: ConfigurationProblem[] = [];
  const add = (path: readonly string[], message: string): void => {
    const at = lines.linePos(nodeAt(yaml, path)?.range?.[0] ?? 0);
    problems.push({ line: at.line, column: at.col, path: path.join('.'), message });
  };
  if (!validate(document)) for (const error of mostSpecific(validate.errors ?? [])) add(pathOf(error), explain(error));
  if (problems.length === 0) {
    findLiteralSecrets(document as ConfigurationDocument, add);
    findWrongTimes((document as ConfigurationDocument).connectors, add);
  }
  return problems.length > 0 ? { document: undefined, problems } : { document: document as ConfigurationDocument, problems: [] };
}

/** Where something stands in a text, or what is nearest above it. */
export function locate(text: string, path: readonly string[]): { readonly line: number; readonly column: number } {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error', uniqueKeys: false });
  const at = lines.linePos(nodeAt(yaml, path)?.range?.[0] ?? 0);
  return { line: at.line, column: at.col };
}

/** Formats a problem as `file:line:column path: message`. */
export function formatProblem(file: string, problem: ConfigurationProblem): string {
  return `${file}:${problem.line}:${problem.column} ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;
}

/** A branch of `oneOf` that was not meant says nothing useful: keep the deepest errors of each place. */
function mostSpecific(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const useful = errors.filter((error) => error.keyword !== 'oneOf' && error.keyword !== 'if');
  return useful.length > 0 ? useful.slice(0, 20) : errors.slice(0, 20);
}

function pathOf(error: ErrorObject): readonly string[] {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const extra = error.keyword === 'additionalProperties' ? [String((error.params as Json)['additionalProperty'])] : [];
  return [...path, ...extra];
}

/** What YAML calls the types of JSON Schema. */
const TYPES: Readonly<Record<string, string>> = {
  object: 'options and their values (name: value)',
  array: 'a list ([a, b])',
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

const NAME_AN_OBJECT_TYPE = 'name at least one object type and the resource it becomes, such as person: { resourceType: User, mapping: { userName: login } }';

function explain(error: ErrorObject): string {
  const params = error.params as Json;
  switch (error.keyword) {
    case 'additionalProperties': {
      const known = Object.keys((error.parentSchema as Json | undefined)?.['properties'] ?? propertiesAt(error.schemaPath));
      const name = String(params['additionalProperty']);
      const near = nearest(name, known);
      return `there is no option "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}${known.length === 0 ? '' : ` (options: ${known.join(', ')})`}`;
    }
    case 'required':
      return `"${String(params['missingProperty'])}" is missing${params['missingProperty'] === 'objectTypes' ? `: ${NAME_AN_OBJECT_TYPE}` : ''}`;
    case 'enum':
      return `write one of ${(params['allowedValues'] as readonly unknown[]).join(', ')}`;
    case 'type':
      return `write ${[params['type']]
        .flat()
        .map((type) => TYPES[String(type)] ?? String(type))
        .join(' or ')}`;
    case 'minProperties':
      return error.instancePath.endsWith('/objectTypes') ? NAME_AN_OBJECT_TYPE : `write at least ${String(params['limit'])}`;
    case 'minItems':
      return `the list is empty: write at least ${String(params['limit'])}`;
    case 'minLength':
      return 'the text is empty: write one';
    case 'const':
      return `write ${String(params['allowedValue'])}`;
    default:
      return error.message ?? 'this is not allowed here';
  }
}

/** The options of the schema node that an error speaks of. */
function propertiesAt(schemaPath: string): Json {
  let node: unknown = documentSchema;
  for (const part of schemaPath.split('/').slice(1, -1)) node = (node as Json | undefined)?.[decodeURIComponent(part)];
  return ((node as Json | undefined)?.['properties'] as Json | undefined) ?? {};
}

function nodeAt(yaml: Document, path: readonly string[]): Node | undefined {
  let node: unknown = yaml.contents;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === part);
      // An unknown option is marked at its name, a wrong value at the value.
      const next: unknown = pair?.value ?? pair?.key;
      if (next === undefined || next === null) break;
      node = next;
    } else node = (node as { readonly items?: readonly unknown[] } | undefined)?.items?.[Number(part)] ?? node;
  }
  return (node ?? undefined) as Node | undefined;
}

function findLiteralSecrets(document: ConfigurationDocument, add: (path: readonly string[], message: string) => void): void {
  if (document.store !== undefined && hasLiteralPassword(document.store))
    add(['store', 'postgres'], 'a password must not stand in the configuration; write ${env:NAME} or ${file:PATH}, or leave it to PGPASSWORD');
  for (const [name, connector] of Object.entries(document.connectors)) {
    const open = new Set((connector['publicParameters'] as readonly string[] | undefined) ?? []);
    walk(connector['parameters'], ['connectors', name, 'parameters'], (path, value) => {
      const problem = typeof value === 'string' ? brokenReference(value) : undefined;
      if (problem !== undefined) add(path, problem);
      const parameter = path.at(-1) ?? '';
      if (SECRET_NAME.test(parameter) && !open.has(parameter) && typeof value === 'string' && value !== '' && !value.includes('${'))
        add(path, 'a secret must not stand in the configuration; write ${secret:NAME}, ${env:NAME} or ${file:PATH}');
    });
    const token = connector['secretToken'];
    const broken = typeof token === 'string' ? brokenReference(token) : undefined;
    if (broken !== undefined) add(['connectors', name, 'secretToken'], broken);
    if (typeof token === 'string' && !token.includes('${'))
      add(['connectors', name, 'secretToken'], 'a secret must not stand in the configuration; write ${secret:NAME}, ${env:NAME} or ${file:PATH}');
  }
}

/** A reference without a name, or a whole text that looks like one and is none: taken as it stands, it would be sent as a password. */
const NAMELESS = /(?<!\$)(?:\$\$)*\$\{(env|file|secret):\s*\}/;
const NO_REFERENCE = /^\$\{([A-Za-z]{1,30}):[^}\r\n]*\}$/;

function brokenReference(text: string): string | undefined {
  const [nameless, kind] = NAMELESS.exec(text) ?? [];
  if (nameless !== undefined) return `the reference names nothing; write \${${kind}:${kind === 'file' ? 'PATH' : 'NAME'}}`;
  const [, unknown = ''] = NO_REFERENCE.exec(text) ?? [];
  if (unknown === '' || ['env', 'file', 'secret'].includes(unknown)) return undefined;
  return `there are no references of the kind "${unknown}"; write \${secret:NAME}, \${env:NAME} or \${file:PATH}`;
}

function walk(value: unknown, path: readonly string[], visit: (path: readonly string[], value: unknown) => void): void {
  visit(path, value);
  // The names inside object types are columns of the application, not parameters of ours.
  if (typeof value === 'object' && value !== null && path.at(-1) !== 'objectTypes')
    for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key], visit);
}

/** Why a reference cannot be resolved. The message names the reference, never a value. */
export class UnresolvedError extends Error {
  override readonly name = 'UnresolvedError';
}

/**
 * Replaces `${secret:NAME}`, `${env:NAME}` and `${file:PATH}` in a text. Each dollar sign before one is written twice: `$${env:NAME}` is the
 * text `${env:NAME}`, which scripts hold. @throws UnresolvedError
 */
export function resolveReferences(text: string, folder: string, secrets?: SecretReader): string {
  return text.replace(REFERENCE, (whole: string, dollars: string, kind: string, name: string) => {
    const literal = '$'.repeat(Math.floor(dollars.length / 2));
    // An odd number of dollar signs before the last one: it is escaped itself.
    if (dollars.length % 2 === 1) return `${literal}${whole.slice(dollars.length)}`;
    return `${literal}${kind === 'secret' ? readSecret(name, secrets) : resolveReference(kind, name, folder)}`;
  });
}

/** Reads a value of the host's secret store; absent where there is no host. */
export type SecretReader = (name: string) => string | undefined;

function readSecret(name: string, secrets: SecretReader | undefined): string {
  if (secrets === undefined) throw new UnresolvedError(`the secret "${name}" is in the secret store of a host, which this command does not open`);
  const value = secrets(name);
  if (value === undefined) throw new UnresolvedError(`there is no secret "${name}"; set it with: landbridge secret set ${name}`);
  return value;
}

/** Names of the secrets that a part of the document refers to. */
export function readReferencedSecrets(part: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value === 'string') {
      for (const [, dollars, kind, name] of value.matchAll(REFERENCE))
        if (kind === 'secret' && (dollars ?? '').length % 2 === 0 && name !== undefined) names.add(name);
    } else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) visit(inner);
  };
  visit(part);
  return names;
}

const UNREADABLE: Readonly<Record<string, string>> = {
  EISDIR: 'it is a folder; name a file',
  EACCES: 'this account may not read it',
};

function resolveReference(kind: string, name: string, folder: string): string {
  if (kind === 'env') {
    const value = process.env[name];
    if (value === undefined || value === '') throw new UnresolvedError(`the environment variable ${name} is not set`);
    return value;
  }
  const file = isAbsolute(name) ? name : resolve(folder, name);
  if (!existsSync(file)) throw new UnresolvedError(`the file ${file} does not exist`);
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new UnresolvedError(`the file ${file} cannot be read: ${UNREADABLE[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error)}`);
  }
}

/** References to the secret store, and to variables and files whose names say that they hold secrets. */
const SECRET_REFERENCE = /\$\{(secret:|(env|file):[^}]*(pass|pwd|secret|token|key|credential))/i;

/** Where secrets are referred to, such as `password` or `servers.0.password`. */
function findSecretPaths(part: unknown, path = ''): readonly string[] {
  if (typeof part === 'string') return SECRET_REFERENCE.test(part) ? [path] : [];
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([name, inner]) => findSecretPaths(inner, path === '' ? name : `${path}.${name}`));
}

/** The configuration of one connector for the engine: defaults filled in, secrets and relative paths resolved. */
export function toConnectorConfiguration(
  name: string,
  connector: Json,
  folder: string,
  secrets?: SecretReader,
): ConnectorConfiguration & { readonly secretToken: string | undefined; readonly firstFiles: string | undefined } {
  const parameters = resolveDeep(connector['parameters'], folder, secrets) as ConnectorConfiguration['parameters'];
  const packageName = String(connector['package']);
  const limits = (connector['limits'] ?? {}) as Json;
  const retention = (connector['retention'] ?? {}) as Json;
  const defaults = configurationDefaults.limits;
  const session = (connector['session'] ?? {}) as Json;
  const deprovisioning = (connector['deprovisioning'] ?? {}) as Json;
  return {
    name,
    package: packageName.startsWith('.') ? resolve(folder, packageName) : packageName,
    ...(Array.isArray(connector['linkedIds']) ? { linkedIds: connector['linkedIds'] as readonly IdDecoder[] } : {}),
    mode: (connector['mode'] as 'live' | undefined) ?? configurationDefaults.mode,
    parameters: resolveFiles(parameters, folder),
    secretParameters: findSecretPaths(connector['parameters'] ?? {}),
    objectTypes: Object.entries(connector['objectTypes'] as Record<string, Json>).map(([objectType, value]) => toObjectType(objectType, value)),
    partitions: (connector['partitions'] as readonly string[] | undefined) ?? [],
    containers: ((connector['containers'] as readonly Json[] | undefined) ?? []).map((one) => ({
      partition: String(one['partition']),
      included: (one['include'] as readonly string[] | undefined) ?? [],
      excluded: (one['exclude'] as readonly string[] | undefined) ?? [],
    })),
    runProfiles: toRunProfiles((connector['runProfiles'] ?? {}) as Record<string, readonly unknown[]>),
    autosync: { schedules: Object.entries((connector['autosync'] ?? {}) as Json).map(([profile, value]) => toSchedule(profile, value)) },
    deletionThreshold: { ...configurationDefaults.deletionThreshold, ...(connector['deletionThreshold'] as object | undefined) },
    ...(connector['allowFrom'] === undefined ? {} : { allowFrom: connector['allowFrom'] as readonly string[] }),
    protected: (connector['protected'] as readonly string[] | undefined) ?? [],
    ...(connector['massChange'] === 'off' ? {} : { massChange: { ...configurationDefaults.massChange, ...(connector['massChange'] as object | undefined) } }),
    eventStreams: Object.keys((connector['events'] ?? {}) as Json),
    deprovisioning: { disable: toFlow(deprovisioning['disable'], 'map'), delete: toFlow(deprovisioning['delete'], 'delete') },
    reExport: connector['reExport'] === true,
    strictResults: connector['strictResults'] === true,
    passwordsNotSecure: (connector['passwords'] as Json | undefined)?.['notSecure'] === 'allow',
    session: {
      keepOpen: (session['keepOpen'] as boolean | undefined) ?? 'package',
      idleSeconds: toSeconds(session['idle'], configurationDefaults.session.idleSeconds),
      maxSeconds: toSeconds(session['max'], configurationDefaults.session.maxSeconds),
    },
    retention: {
      journalDays: toSeconds(retention['journal'], 90 * 86_400) / 86_400,
      runDays: toSeconds(retention['runs'], 90 * 86_400) / 86_400,
      auditDays: toSeconds(retention['audit'], 400 * 86_400) / 86_400,
    },
    limits: {
      requestsPerSecond: Number(limits['requestsPerSecond'] ?? defaults.requestsPerSecond),
      concurrentRequests: Number(limits['concurrentRequests'] ?? defaults.concurrentRequests),
      callSeconds: toSeconds(limits['call'], defaults.callSeconds),
      deadlineSeconds: toSeconds(limits['deadline'], defaults.deadlineSeconds),
      hardLimitSeconds: toSeconds(limits['hardLimit'], defaults.hardLimitSeconds),
      memoryMegabytes: Number(limits['memory'] ?? defaults.memoryMegabytes),
      scanEntries: Number(limits['scanEntries'] ?? defaults.scanEntries),
      runErrors: Number(limits['runErrors'] ?? defaults.runErrors),
    },
    firstFiles: typeof connector['files'] === 'string' ? resolve(folder, connector['files']) : undefined,
    ...(connector['publicAuthenticationSchemes'] === true ? { publicAuthenticationSchemes: true } : {}),
    ...(connector['scim1'] === true ? { scim1: true } : {}),
    secretToken: typeof connector['secretToken'] === 'string' ? resolveReferences(connector['secretToken'], folder, secrets) : undefined,
  };
}

function resolveDeep(value: unknown, folder: string, secrets: SecretReader | undefined): unknown {
  if (typeof value === 'string') return resolveReferences(value, folder, secrets);
  if (Array.isArray(value)) return value.map((one) => resolveDeep(one, folder, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolveDeep(inner, folder, secrets)]));
}

/** Relative files are relative to the configuration. */
function resolveFiles(parameters: ConnectorConfiguration['parameters'], folder: string): ConnectorConfiguration['parameters'] {
  return Object.fromEntries(
    Object.entries(parameters).map(([key, value]) => [
      key,
      typeof value === 'string' && /^(file|path|folder|directory|scriptFile|hostConfiguration)$/.test(key) && !isAbsolute(value)
        ? resolve(folder, value)
        : value,
    ]),
  );
}

function toObjectType(objectType: string, value: Json): ObjectTypeConfiguration {
  const resourceType = String(value['resourceType']);
  const mapping = Object.entries((value['mapping'] ?? {}) as Json).map(([scim, target]) => {
    if (typeof target === 'string') return { scim, attribute: target };
    const { attribute, values, characteristics } = target as {
      readonly attribute: string;
      readonly values?: { readonly true: unknown; readonly false: unknown };
      readonly characteristics?: ObjectTypeConfiguration['mapping'][number]['characteristics'];
    };
    return {
      scim,
      attribute,
      ...(values === undefined ? {} : { values: { true: String(values.true), false: String(values.false) } }),
      ...(characteristics === undefined ? {} : { characteristics }),
    };
  });
  return {
    objectType,
    resourceType,
    endpoint: typeof value['endpoint'] === 'string' ? value['endpoint'] : `${resourceType}s`,
    mapping,
    excluded: (value['exclude'] as readonly string[] | undefined) ?? [],
    ...(value['leaveOut'] === undefined ? {} : { leaveOut: (value['leaveOut'] as readonly Json[]).map(toConditions) }),
    queryable: (value['queryable'] as readonly string[] | undefined) ?? [],
    ...(typeof value['schema'] === 'string' ? { schema: value['schema'] } : {}),
    sameDisplayNames: value['sameDisplayNames'] === true,
    ...(typeof value['dn'] === 'string' ? { dnTemplate: value['dn'] } : {}),
    ...(typeof value['partition'] === 'string' ? { partition: value['partition'] } : {}),
  };
}

function toConditions(alternative: Json): NonNullable<ObjectTypeConfiguration['leaveOut']>[number] {
  return Object.entries(alternative).map(([attribute, condition]) => {
    if (typeof condition !== 'object' || condition === null) return { attribute, is: 'equal' as const, value: String(condition) };
    const { not, present } = condition as { readonly not?: unknown; readonly present?: boolean };
    if (not !== undefined) return { attribute, is: 'not-equal' as const, value: String(not) };
    return { attribute, is: present === true ? ('present' as const) : ('absent' as const) };
  });
}

function toRunProfiles(configured: Readonly<Record<string, readonly unknown[]>>): readonly RunProfile[] {
  const all: Readonly<Record<string, readonly unknown[]>> = { full: ['full-import'], delta: ['delta-import'], ...configured };
  return Object.entries(all).map(([name, steps]) => ({
    name,
    steps: steps.map((step): RunStepDefinition => {
      if (typeof step === 'string') return { kind: step as RunStepDefinition['kind'] };
      const { step: kind, partition, pageSize } = step as { readonly step: RunStepDefinition['kind']; readonly partition?: string; readonly pageSize?: number };
      return { kind, ...(partition === undefined ? {} : { partition }), ...(pageSize === undefined ? {} : { pageSize }) };
    }),
  }));
}

function toSchedule(profile: string, value: unknown): ConnectorConfiguration['autosync']['schedules'][number] {
  if (typeof value === 'object' && value !== null) {
    const { cron, timeZone } = value as { readonly cron: string; readonly timeZone?: string };
    return { profile, cron, ...(timeZone === undefined ? {} : { timeZone }) };
  }
  return { profile, everySeconds: toSeconds(value, 3600) };
}

function toFlow(value: unknown, standard: 'map' | 'delete'): DeprovisioningFlow {
  if (value === undefined) return { action: standard };
  if (typeof value === 'string') return { action: value as 'none' };
  return { action: 'set', values: (value as { readonly set: Record<string, string> }).set };
}

/** A duration as seconds. @throws UnresolvedError for a text that is none. */
export function toSeconds(value: unknown, standard: number): number {
  if (value === undefined) return standard;
  const seconds = readDuration(value);
  if (seconds === undefined) throw new UnresolvedError(noDuration(value));
  return seconds;
}

/** The document as canonical YAML. */
export function formatConfiguration(document: ConfigurationDocument): string {
  return stringify(document, { lineWidth: 120 });
}

/** One difference between two documents. */
export interface ConfigurationChange {
  readonly path: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly before?: unknown;
  readonly after?: unknown;
}

/** The differences between two documents, by path. Secrets are references in both, so nothing needs to be hidden. */
export function diffConfigurations(before: unknown, after: unknown, path = ''): readonly ConfigurationChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (before === undefined) return [{ path, kind: 'added', after }];
  if (after === undefined) return [{ path, kind: 'removed', before }];
  const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject(before) || !isObject(after)) return [{ path, kind: 'changed', before, after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => diffConfigurations(before[key], after[key], path === '' ? key : `${path}.${key}`));
}

/** The folder that relative paths of a configuration are relative to. */
export function folderOf(file: string): string {
  return dirname(resolve(file));
}
