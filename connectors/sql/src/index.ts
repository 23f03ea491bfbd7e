import {
  type Capabilities,
  type ConnectorContext,
  defaultCapabilities,
  defineConnector,
  type ParameterDefinition,
  type ParameterPage,
} from '@landbridge/connector-sdk';
import { testConnection } from './connection-test.ts';
import { openExport } from './export-session.ts';
import { findEntries } from './find.ts';
import { openImport } from './import-session.ts';
import { signIns } from './mssql-sign-in.ts';
import { schemaOf } from './object-model.ts';
import { borrowApplication, openApplication } from './open-database.ts';
import { openPasswordSession } from './password-session.ts';
import { dialectNames, readSettings } from './settings.ts';
import { objectTypesSchema, tlsSchema } from './settings-schema.ts';

export { deltaScript } from './delta-script.ts';
export { scaffold } from './scaffold/scaffold.ts';

/** The SQL connector: SQLite, PostgreSQL, MariaDB, MySQL and SQL Server. */
export const connector = defineConnector({
  name: 'sql',
  version: '0.1.0',
  description: 'SQL databases: object types from tables, views or queries, side tables as multi-valued attributes, references, delta, live look-ups.',
  capabilities,
  parameters: (page, pageNumber) => (pageNumber > 1 ? [] : (PAGES[page] ?? [])),
  validateParameters: (_page, _number, context) => readSettings(context.parameters).problems,
  async schema(context) {
    const { database, models } = await openApplication(context);
    await database.close();
    return schemaOf(models);
  },
  async openImport(context, step) {
    // Of its own, and not shared: an import always reads the catalogue anew.
    const { database, models } = await openApplication(context);
    try {
      return await openImport(database, models, step, () => database.close());
    } catch (error) {
      await database.close();
      throw error;
    }
  },
  async openExport(context, step) {
    const { database, models, release } = await borrowApplication(context);
    return openExport(database, models, step.schema, release);
  },
  async find(context, request) {
    const { database, models, release } = await borrowApplication(context);
    try {
      return await findEntries(database, models, request);
    } finally {
      await release();
    }
  },
  openPassword: openPasswordSession,
  test: testConnection,
});

function capabilities(context: ConnectorContext): Capabilities {
  const { settings } = readSettings(context.parameters);
  const hasPasswords = Object.values(settings.objectTypes).some((type) => type.write?.setPassword !== undefined);
  return {
    ...defaultCapabilities,
    deltaMissesDeletes: Object.values(settings.objectTypes).some(({ delta }) => delta?.watermarkColumn !== undefined && delta.deletedColumn === undefined),
    deltaImport: Object.values(settings.objectTypes).every((type) => type.delta !== undefined),
    find: true,
    password: hasPasswords,
    exportPasswordInFirstPass: hasPasswords,
    test: true,
    isolatedEntries: true,
    // SQLite has one writer at a time.
    parallelWrites: settings.dialect === 'sqlite' ? 1 : 8,
    resultsApply: 'at-once',
    // SQLite works in this process and ends with it; a server goes on with a statement until its own limit.
    lingerSeconds: settings.dialect === 'sqlite' ? 0 : settings.commandTimeoutSeconds,
    exportType: 'attribute-update',
    exportMaxBatch: 100,
    importMaxPage: 5000,
    importDefaultPage: 500,
  };
}

const CONNECTIVITY: readonly ParameterDefinition[] = [
  { name: 'dialect', kind: 'drop-down', choices: dialectNames, required: true, label: 'Database' },
  { name: 'file', kind: 'file', label: 'SQLite file' },
  {
    name: 'url',
    kind: 'secret',
    label: 'Connection URL',
    description: 'postgres://user:password@host:5432/database, mariadb://…, mssql://…, oracle://…/service',
  },
  { name: 'dsn', kind: 'string', label: 'ODBC data source', description: 'Its name in odbc.ini' },
  { name: 'connectionString', kind: 'string', label: 'ODBC connection string', description: 'Driver={…};Server=…, without the password' },
  {
    name: 'speaks',
    kind: 'drop-down',
    choices: ['generic'],
    label: 'ODBC: plain SQL',
    description: 'Plain SQL-92, whatever the database is; default is to ask it',
  },
  { name: 'host', kind: 'string', label: 'Host' },
  { name: 'port', kind: 'string', label: 'Port', pattern: '\\d+' },
  { name: 'database', kind: 'string', label: 'Database name' },
  { name: 'user', kind: 'string', label: 'User' },
  { name: 'password', kind: 'secret', label: 'Password' },
  { name: 'signIn', kind: 'drop-down', choices: signIns, label: 'SQL Server: how the account signs in', description: 'Default is by its password' },
  { name: 'tenant', kind: 'string', label: 'SQL Server: directory (tenant) of the application' },
  { name: 'tls', kind: 'structure', label: 'TLS', schema: { ...tlsSchema } },
  { name: 'poolSize', kind: 'string', label: 'Connections at most', default: 8, pattern: '\\d+' },
  { name: 'commandTimeout', kind: 'string', label: 'Seconds a statement may take', default: 30, pattern: '\\d+' },
];

const OBJECT_TYPES: readonly ParameterDefinition[] = [
  {
    name: 'objectTypes',
    kind: 'structure',
    required: true,
    label: 'Object types',
    description: 'Tables, views or queries, with their anchors, references and side tables',
    schema: { ...objectTypesSchema },
  },
];

const PAGES: Partial<Record<ParameterPage, readonly ParameterDefinition[]>> = { connectivity: CONNECTIVITY, schema: OBJECT_TYPES };
