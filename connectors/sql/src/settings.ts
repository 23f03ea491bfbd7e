import type { ParameterProblem, Parameters, ParameterValue } from '@landbridge/connector-sdk';

/** A column that becomes an attribute. */
export interface ColumnSettings {
  readonly column: string;
  readonly type?: 'string' | 'integer' | 'boolean' | 'binary';
  readonly unique?: boolean;
  readonly required?: boolean;
  readonly caseExact?: boolean;
  readonly direction?: 'import-export' | 'import-only' | 'export-only';
  readonly secret?: boolean;
}

/** A side table with the values of a multi-valued attribute. */
export interface MultiValueSettings {
  readonly table: string;
  readonly schema?: string;
  /** Columns of the side table that hold the anchor, in its order. */
  readonly key: readonly string[];
  /** The column with the value; or the columns of a reference, in the order of the target's anchor. */
  readonly value?: string;
  readonly reference?: { readonly columns: readonly string[]; readonly objectType: string };
}

/** How a delta import finds changes. */
export interface DeltaSettings {
  readonly watermarkColumn?: string;
  readonly deletedColumn?: string;
  readonly changeLog?: {
    readonly table: string;
    readonly schema?: string;
    readonly sequence: string;
    readonly key: readonly string[];
    readonly operation?: string;
  };
}

/** One object type: a table, a view or a query, and what hangs on it. */
export interface ObjectTypeSettings {
  readonly table?: string;
  readonly view?: string;
  readonly query?: string;
  readonly schema?: string;
  readonly anchor: readonly string[];
  readonly anchorAssigned?: boolean;
  readonly attributes?: Readonly<Record<string, ColumnSettings>>;
  readonly references?: Readonly<Record<string, { readonly column?: string; readonly columns?: readonly string[]; readonly objectType: string }>>;
  readonly multiValued?: Readonly<Record<string, MultiValueSettings>>;
  readonly delta?: DeltaSettings;
}

/** The parameters of the connector, checked. */
export interface SqlSettings {
  readonly dialect: 'sqlite' | 'postgres';
  readonly file?: string;
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  readonly tls: { readonly mode: 'disable' | 'require' | 'verify-full'; readonly ca?: string };
  readonly poolSize: number;
  readonly commandTimeoutSeconds: number;
  readonly objectTypes: Readonly<Record<string, ObjectTypeSettings>>;
}

type Json = { readonly [key: string]: ParameterValue };

const KNOWN = new Set(['dialect', 'file', 'url', 'host', 'port', 'database', 'user', 'password', 'tls', 'poolSize', 'commandTimeout', 'objectTypes']);

/** Reads the parameters; problems say where and what to do. */
export function readSettings(parameters: Parameters): { readonly settings: SqlSettings; readonly problems: readonly ParameterProblem[] } {
  const problems: ParameterProblem[] = [];
  const problem = (parameter: string, message: string): void => void problems.push({ parameter, message });
  for (const name of Object.keys(parameters)) if (!KNOWN.has(name)) problem(name, `there is no such parameter; there are ${[...KNOWN].join(', ')}`);
  const { dialect } = parameters;
  if (dialect !== 'sqlite' && dialect !== 'postgres') problem('dialect', 'write sqlite or postgres');
  if (dialect === 'sqlite' && typeof parameters['file'] !== 'string') problem('file', 'the path of the SQLite file is missing');
  if (dialect === 'postgres' && typeof parameters['url'] !== 'string' && typeof parameters['host'] !== 'string')
    problem('host', 'write host (and port, database, user, password), or url');
  const objectTypes = parameters['objectTypes'];
  if (!isObject(objectTypes) || Object.keys(objectTypes).length === 0) problem('objectTypes', 'name at least one object type with its table');
  else for (const [name, type] of Object.entries(objectTypes)) checkObjectType(name, type, Object.keys(objectTypes), problem);
  const tls = isObject(parameters['tls']) ? parameters['tls'] : {};
  const mode = tls['mode'] ?? 'disable';
  if (mode !== 'disable' && mode !== 'require' && mode !== 'verify-full') problem('tls.mode', 'write disable, require or verify-full');
  const text = (name: string): object => (typeof parameters[name] === 'string' ? { [name]: parameters[name] } : {});
  return {
    problems,
    settings: {
      dialect: dialect === 'postgres' ? 'postgres' : 'sqlite',
      ...text('file'),
      ...text('url'),
      ...text('host'),
      ...text('database'),
      ...text('user'),
      ...text('password'),
      ...(parameters['port'] === undefined ? {} : { port: Number(parameters['port']) }),
      tls: { mode: mode as 'disable', ...(typeof tls['ca'] === 'string' ? { ca: tls['ca'] } : {}) },
      poolSize: Number(parameters['poolSize'] ?? 8),
      commandTimeoutSeconds: Number(parameters['commandTimeout'] ?? 30),
      // The shape was checked above; what is wrong in it is among the problems, and nothing is opened with problems.
      objectTypes: (isObject(objectTypes) ? objectTypes : {}) as unknown as SqlSettings['objectTypes'],
    },
  };
}

function checkObjectType(name: string, type: ParameterValue, names: readonly string[], problem: (parameter: string, message: string) => void): void {
  const at = `objectTypes.${name}`;
  if (!isObject(type)) return problem(at, 'write table (or view, or query) and anchor');
  const sources = ['table', 'view', 'query'].filter((key) => typeof type[key] === 'string');
  if (sources.length !== 1) problem(`${at}.table`, 'write exactly one of table, view and query');
  if (!isList(type['anchor'])) problem(`${at}.anchor`, 'write the columns that identify a row, for example [id]');
  for (const [key, reference] of entriesOf(type['references'])) {
    if (!isObject(reference) || (typeof reference['column'] !== 'string' && !isList(reference['columns'])))
      problem(`${at}.references.${key}.column`, 'write the column that holds the identifier of the target');
    else if (!names.includes(String(reference['objectType']))) problem(`${at}.references.${key}.objectType`, `write one of ${names.join(', ')}`);
  }
  for (const [key, side] of entriesOf(type['multiValued'])) {
    const where = `${at}.multiValued.${key}`;
    if (!isObject(side) || typeof side['table'] !== 'string') problem(`${where}.table`, 'write the table that holds the values');
    else if (!isList(side['key'])) problem(`${where}.key`, 'write the columns that hold the anchor of the owner, for example [person_id]');
    else if (typeof side['value'] !== 'string' && !isObject(side['reference']))
      problem(`${where}.value`, 'write the column with the value, or reference: {columns, objectType}');
    else if (isObject(side['reference']) && !names.includes(String(side['reference']['objectType'])))
      problem(`${where}.reference.objectType`, `write one of ${names.join(', ')}`);
  }
}

function entriesOf(value: ParameterValue | undefined): readonly (readonly [string, ParameterValue])[] {
  return isObject(value) ? Object.entries(value) : [];
}

function isObject(value: ParameterValue | undefined): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: ParameterValue | undefined): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string');
}
