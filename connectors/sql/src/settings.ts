import type { ParameterProblem, Parameters, ParameterValue } from '@landbridge/connector-sdk';
import { type SignIn, signIns } from './mssql-sign-in.ts';
import { secretAttribute } from './odbc/connection-text.ts';
import { defaultPorts } from './server-address.ts';
import { checkStructure, objectTypesSchema, tlsSchema } from './settings-schema.ts';
import type { TimeSettings } from './times.ts';

/** The value types that columns can have. */
export type ColumnType = 'string' | 'integer' | 'boolean' | 'binary';

/** A column that becomes an attribute. */
export interface ColumnSettings {
  /** Default is the name of the attribute. */
  readonly column?: string;
  readonly type?: ColumnType;
  readonly unique?: boolean;
  readonly required?: boolean;
  readonly caseExact?: boolean;
  readonly direction?: 'import-export' | 'import-only' | 'export-only';
  readonly secret?: boolean;
  /** Several values in one column: an array of the database, or JSON. */
  readonly list?: 'array' | 'json';
  /** The column holds times; the attribute has them in ISO 8601 and UTC. */
  readonly time?: TimeSettings;
  /** An empty text is no value. */
  readonly empty?: 'absent' | 'kept';
  /** Bytes that a binary value may have; default is 1048576. */
  readonly maximumBytes?: number;
}

/** A reference in one or several columns of the main table. */
export interface ReferenceSettings {
  readonly column?: string;
  /** In the order of the anchor of the target. */
  readonly columns?: readonly string[];
  readonly objectType: string;
}

/** How values of a side table are written other than by generated statements: steps for each value, in the transaction of the entry. */
export interface SideWriteSettings {
  readonly add?: readonly OperationSettings[];
  readonly remove?: readonly OperationSettings[];
  /** All values of an owner at once; default is `remove` for each. */
  readonly clear?: readonly OperationSettings[];
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
  /** A condition in SQL: other rows of the table are none of these values, and are left alone. */
  readonly where?: string;
  /** The attribute has one value: of several rows the first one counts, and a change leaves one. */
  readonly single?: boolean;
  /** Values of other columns of the rows that are added; `=today`, `=now`. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
  /** Bytes that a binary value may have; default is 1048576. */
  readonly maximumBytes?: number;
  readonly write?: SideWriteSettings;
  readonly direction?: 'import-export' | 'import-only' | 'export-only';
}

/** A table with one row for each change. */
export interface ChangeLogSettings {
  readonly table: string;
  readonly schema?: string;
  readonly sequence: string;
  readonly key: readonly string[];
  readonly operation?: string;
  readonly operations?: Readonly<Record<string, 'add' | 'update' | 'delete'>>;
}

/** How a delta import finds changes. */
export interface DeltaSettings {
  readonly watermarkColumn?: string;
  readonly deletedColumn?: string;
  readonly changeLog?: ChangeLogSettings;
  /** The slot of PostgreSQL's logical replication that tells of changes; it is made when it is not there. */
  readonly replication?: string;
  /** SQL Server keeps an account of what changed. */
  readonly changeTracking?: boolean;
}

/** A value that goes into a procedure, or comes out of it. */
export interface ProcedureParameterSettings {
  /** An attribute, `password` or `oldPassword`; `new.ATTRIBUTE` for the new value of an anchor. */
  readonly value: string;
  readonly direction?: 'in' | 'out' | 'inout';
}

/** One step of a write: a statement, or a call of a procedure or function. */
export interface OperationSettings {
  /** With `:attribute` for values. */
  readonly statement?: string;
  readonly procedure?: string;
  readonly function?: string;
  readonly schema?: string;
  /** In the order of the declaration. */
  readonly parameters?: readonly ProcedureParameterSettings[];
  /** The attributes that the columns of the first row returned give, in order. */
  readonly returns?: readonly string[];
  /** Only when one of these attributes changes. */
  readonly when?: readonly string[];
}

/** How entries are written other than by generated statements; each a list of steps of one transaction. */
export interface WriteSettings {
  readonly insert?: readonly OperationSettings[];
  readonly update?: readonly OperationSettings[];
  readonly delete?: readonly OperationSettings[];
  readonly setPassword?: readonly OperationSettings[];
  readonly changePassword?: readonly OperationSettings[];
}

/** The column that tells one state of a row from the next. */
export interface VersionSettings {
  readonly column: string;
  /** Whether generated updates add one; default is that they do where it is a whole number that the database does not keep itself. */
  readonly increment?: boolean;
}

/** One object type: a table, a view or a query, and what hangs on it. */
export interface ObjectTypeSettings {
  readonly table?: string;
  readonly view?: string;
  readonly query?: string;
  readonly schema?: string;
  /** The table that changes go to, where a view or a query is read. */
  readonly writeTable?: string;
  readonly anchor: readonly string[];
  readonly anchorAssigned?: boolean;
  /** The connector gives the anchor of each new row, where neither the database nor a client does. */
  readonly anchorGenerated?: 'uuid';
  readonly attributes?: Readonly<Record<string, ColumnSettings>>;
  /** Columns that no attribute names are attributes too. */
  readonly otherColumns?: boolean;
  readonly references?: Readonly<Record<string, ReferenceSettings>>;
  readonly multiValued?: Readonly<Record<string, MultiValueSettings>>;
  readonly delta?: DeltaSettings;
  readonly write?: WriteSettings;
  readonly version?: VersionSettings;
}

/** The databases that the connector speaks. */
export const dialectNames = ['sqlite', 'postgres', 'mariadb', 'mysql', 'mssql', 'oracle', 'odbc'] as const;

/** One of {@link dialectNames}. */
export type DialectName = (typeof dialectNames)[number];

/** The parameters of the connector, checked. */
export interface SqlSettings {
  readonly dialect: DialectName;
  readonly file?: string;
  readonly url?: string;
  /** A data source of ODBC, by its name in odbc.ini. */
  readonly dsn?: string;
  /** The attributes of a connection by ODBC, without the password. */
  readonly connectionString?: string;
  /** `generic`: plain SQL-92 by ODBC, whatever the database is. Default is to ask it. */
  readonly speaks?: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  /** SQL Server: how the account signs in; absent is by its password. */
  readonly signIn?: SignIn;
  readonly tenant?: string;
  /** Absent: what the URL says, else no TLS; for SQL Server `verify-full`. */
  readonly tls?: { readonly mode: 'disable' | 'require' | 'verify-full'; readonly ca?: string };
  readonly poolSize: number;
  readonly commandTimeoutSeconds: number;
  readonly objectTypes: Readonly<Record<string, ObjectTypeSettings>>;
}

const TEXTS = ['file', 'url', 'dsn', 'connectionString', 'speaks', 'host', 'database', 'user', 'password', 'tenant'] as const;
const NUMBERS = {
  port: { default: 5432, minimum: 1, maximum: 65_535 },
  poolSize: { default: 8, minimum: 1, maximum: 100 },
  commandTimeout: { default: 30, minimum: 1, maximum: 86_400 },
} as const;
/** All parameters; whatever else is written is a mistake. */
const KNOWN: readonly string[] = ['dialect', ...TEXTS, 'signIn', 'tls', ...Object.keys(NUMBERS), 'objectTypes'];

type Report = (parameter: string, message: string) => void;

/** Reads the parameters; problems say where and what to do. With problems the settings must not be used to open anything. */
export function readSettings(parameters: Parameters): { readonly settings: SqlSettings; readonly problems: readonly ParameterProblem[] } {
  const problems: ParameterProblem[] = [];
  const report: Report = (parameter, message) => void problems.push({ parameter, message });
  for (const name of Object.keys(parameters)) {
    if (!KNOWN.includes(name)) report(name, `there is no such parameter; there are ${KNOWN.join(', ')}`);
  }
  const text: Partial<Record<(typeof TEXTS)[number], string>> = {};
  for (const name of TEXTS) {
    const value = parameters[name];
    if (typeof value === 'string' && value !== '') text[name] = value;
    else if (value !== undefined && value !== null && value !== '') report(name, 'write a text');
  }
  checkAddress(parameters['dialect'], text, report);
  const port = parameters['port'] === undefined ? undefined : readNumber(parameters, 'port', report);
  const tls = readTls(parameters['tls'], report);
  const signIn = readSignIn(parameters, text, report);
  return {
    problems,
    settings: {
      ...(signIn === undefined ? {} : { signIn }),
      dialect: isDialect(parameters['dialect']) ? parameters['dialect'] : 'sqlite',
      ...text,
      ...(port === undefined ? {} : { port }),
      ...(tls === undefined ? {} : { tls }),
      poolSize: readNumber(parameters, 'poolSize', report),
      commandTimeoutSeconds: readNumber(parameters, 'commandTimeout', report),
      objectTypes: readObjectTypes(parameters['objectTypes'], parameters['dialect'], report),
    },
  };
}

function checkAddress(dialect: ParameterValue | undefined, text: Partial<Record<string, string>>, report: Report): void {
  if (!isDialect(dialect)) return report('dialect', `write one of ${dialectNames.join(', ')}`);
  if (dialect === 'sqlite') {
    if (text['file'] === undefined) report('file', 'write the path of the SQLite file');
    return;
  }
  if (dialect === 'odbc') return checkOdbc(text, report);
  if (text['url'] === undefined && text['host'] === undefined) report('host', 'write host (and port, database, user, password), or url');
  const scheme = SCHEMES[dialect];
  if (text['url'] !== undefined && !(scheme.test(text['url']) && URL.canParse(text['url'])))
    report('url', `write a URL such as ${dialect}://user:password@host:${defaultPorts[dialect]}/database`);
}

function checkOdbc(text: Partial<Record<string, string>>, report: Report): void {
  if ((text['dsn'] === undefined) === (text['connectionString'] === undefined))
    report('connectionString', 'write either dsn, the name of a data source, or connectionString: Driver={…};Server=…');
  if (secretAttribute.test(text['connectionString'] ?? '')) report('connectionString', 'write the password as the parameter "password", by reference');
  if (text['speaks'] !== undefined && text['speaks'] !== 'generic') report('speaks', 'write generic, or leave it out: the database is asked what it is');
  for (const name of ['url', 'host', 'file', 'database']) if (text[name] !== undefined) report(name, 'goes into connectionString, where dialect is odbc');
}

const SCHEMES: Readonly<Record<Exclude<DialectName, 'sqlite' | 'odbc'>, RegExp>> = {
  postgres: /^postgres(ql)?:\/\//,
  mariadb: /^(mariadb|mysql):\/\//,
  mysql: /^(mariadb|mysql):\/\//,
  mssql: /^(mssql|sqlserver):\/\//,
  oracle: /^oracle:\/\//,
};

/** How an account of SQL Server signs in; `undefined` for all else. */
function readSignIn(parameters: Parameters, { tenant }: { readonly tenant?: string }, report: Report): SignIn | undefined {
  const { dialect, signIn } = parameters;
  if (dialect !== 'mssql') {
    for (const name of ['signIn', 'tenant']) if (parameters[name] !== undefined) report(name, 'is a thing of SQL Server (dialect: mssql)');
    return undefined;
  }
  const known = signIns.find((one) => one === signIn);
  if (signIn !== undefined && known === undefined) report('signIn', `write one of ${signIns.join(', ')}`);
  if (known === 'entra-secret' && tenant === undefined) report('tenant', 'write the identifier of the directory of the application');
  return known;
}

function isDialect(value: ParameterValue | undefined): value is DialectName {
  return dialectNames.some((name) => name === value);
}

function readNumber(parameters: Parameters, name: keyof typeof NUMBERS, report: Report): number {
  const value = parameters[name];
  const { minimum, maximum } = NUMBERS[name];
  if (value === undefined || value === null || value === '') return NUMBERS[name].default;
  const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  if (Number.isInteger(number) && number >= minimum && number <= maximum) return number;
  report(name, `write a whole number from ${minimum} to ${maximum}`);
  return NUMBERS[name].default;
}

function readTls(value: ParameterValue | undefined, report: Report): SqlSettings['tls'] {
  if (value === undefined || value === null) return undefined;
  const problems = checkStructure(tlsSchema, value, 'tls');
  for (const { path, message } of problems) report(path, message);
  if (problems.length > 0) return undefined;
  // The schema was checked just now.
  const { mode, ca } = value as { mode?: NonNullable<SqlSettings['tls']>['mode']; ca?: string };
  return { mode: mode ?? 'disable', ...(ca === undefined ? {} : { ca }) };
}

function readObjectTypes(value: ParameterValue | undefined, dialect: ParameterValue | undefined, report: Report): SqlSettings['objectTypes'] {
  if (value === undefined || value === null) {
    report('objectTypes', 'name at least one object type with its table and anchor');
    return {};
  }
  const problems = checkStructure(objectTypesSchema, value, 'objectTypes');
  for (const { path, message } of problems) report(path, message);
  if (problems.length > 0) return {};
  // The schema was checked just now: it describes the same shape as the type.
  const types = value as unknown as SqlSettings['objectTypes'];
  for (const [name, type] of Object.entries(types)) {
    checkObjectType(`objectTypes.${name}`, type, types, report);
    if (type.delta?.replication !== undefined && dialect !== 'postgres')
      report(`objectTypes.${name}.delta.replication`, 'is a thing of PostgreSQL; use changeLog');
    if (type.delta?.changeTracking && dialect !== 'mssql') report(`objectTypes.${name}.delta.changeTracking`, 'is a thing of SQL Server; use changeLog');
  }
  return types;
}

/** What a schema cannot say: what excludes or needs each other. */
function checkObjectType(path: string, type: ObjectTypeSettings, types: SqlSettings['objectTypes'], report: Report): void {
  const sources = [type.table, type.view, type.query].filter((source) => source !== undefined);
  if (sources.length !== 1) report(`${path}.table`, 'write exactly one of table, view and query');
  if (type.query?.includes(';')) report(`${path}.query`, 'write one SELECT without a semicolon');
  if (type.table !== undefined && type.writeTable !== undefined) report(`${path}.writeTable`, 'goes with view or query; a table is written itself');
  if (new Set(type.anchor).size !== type.anchor.length) report(`${path}.anchor`, 'names a column twice');
  checkNames(path, type, report);
  if (type.otherColumns !== undefined && type.attributes === undefined)
    report(`${path}.otherColumns`, 'goes with attributes; without them every column is one');
  for (const [name, reference] of Object.entries(type.references ?? {})) {
    const columns = reference.columns ?? (reference.column === undefined ? [] : [reference.column]);
    checkTarget(`${path}.references.${name}`, columns, reference.objectType, types, report);
  }
  for (const [name, side] of Object.entries(type.multiValued ?? {})) checkSide(`${path}.multiValued.${name}`, side, type, types, report);
  if (type.delta !== undefined) checkDelta(`${path}.delta`, type.delta, type, report);
  for (const [name, steps] of Object.entries(type.write ?? {}))
    for (const [index, step] of (steps as readonly OperationSettings[]).entries()) checkOperation(`${path}.write.${name}[${index}]`, step, report);
}

function checkOperation(path: string, step: OperationSettings, report: Report): void {
  const kinds = [step.statement, step.procedure, step.function].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) report(path, 'write exactly one of statement, procedure and function');
  if (step.statement !== undefined && step.parameters !== undefined)
    report(`${path}.parameters`, 'goes with procedure or function; a statement names its values, :attribute');
}

function checkNames(path: string, type: ObjectTypeSettings, report: Report): void {
  const used = new Set(Object.keys(type.attributes ?? {}));
  for (const part of ['references', 'multiValued'] as const) {
    for (const name of Object.keys(type[part] ?? {})) {
      if (used.has(name)) report(`${path}.${part}.${name}`, `the attribute "${name}" is defined twice`);
      used.add(name);
    }
  }
}

function checkTarget(path: string, columns: readonly string[], objectType: string, types: SqlSettings['objectTypes'], report: Report): void {
  const target = Object.hasOwn(types, objectType) ? types[objectType] : undefined;
  if (target === undefined) report(`${path}.objectType`, `write one of ${Object.keys(types).join(', ')}`);
  else if (columns.length === 0) report(`${path}.column`, 'write the column that holds the identifier of the target');
  else if (columns.length !== target.anchor.length)
    report(`${path}.columns`, `names ${columns.length}, but the anchor of "${objectType}" has ${target.anchor.length}: ${target.anchor.join(', ')}`);
}

function checkSide(path: string, side: MultiValueSettings, type: ObjectTypeSettings, types: SqlSettings['objectTypes'], report: Report): void {
  if (side.key.length !== type.anchor.length) report(`${path}.key`, `name as many columns as the anchor has (${type.anchor.join(', ')}), in its order`);
  const { reference } = side;
  if ((side.value === undefined) === (reference === undefined))
    report(`${path}.value`, 'write either value, the column with the value, or reference: {columns, objectType}');
  if (side.where?.includes(';')) report(`${path}.where`, 'write one condition without a semicolon');
  for (const [column, value] of Object.entries(side.set ?? {}))
    if (!['string', 'number', 'boolean'].includes(typeof value)) report(`${path}.set.${column}`, 'write a text, a number, true or false');
  for (const [name, steps] of Object.entries(side.write ?? {}))
    for (const [index, step] of (steps as readonly OperationSettings[]).entries()) checkOperation(`${path}.write.${name}[${index}]`, step, report);
  if ((side.write?.add === undefined) !== (side.write?.remove === undefined)) report(`${path}.write`, 'write both add and remove');
  if (reference !== undefined) checkTarget(`${path}.reference`, reference.columns, reference.objectType, types, report);
}

function checkDelta(path: string, delta: DeltaSettings, type: ObjectTypeSettings, report: Report): void {
  const log = delta.changeLog;
  const kinds = [delta.watermarkColumn, log, delta.replication, delta.changeTracking || undefined].filter((kind) => kind !== undefined);
  if (kinds.length !== 1) report(path, 'write either watermarkColumn, changeLog, replication or changeTracking');
  if (delta.changeTracking && type.table === undefined && type.writeTable === undefined)
    report(`${path}.changeTracking`, 'tables are tracked, views and queries are not: name a writeTable');
  if (delta.replication !== undefined && !/^[a-z0-9_]{1,63}$/.test(delta.replication))
    report(`${path}.replication`, 'write the name of a slot: small letters, digits and _');
  if (delta.replication !== undefined && type.table === undefined && type.writeTable === undefined)
    report(`${path}.replication`, 'tables are replicated, views and queries are not: name a writeTable');
  if (log === undefined) return;
  if (log.key.length !== type.anchor.length)
    report(`${path}.changeLog.key`, `name as many columns as the anchor has (${type.anchor.join(', ')}), in its order`);
  if (log.operations !== undefined && log.operation === undefined) report(`${path}.changeLog.operation`, 'write the column whose values operations explains');
}
