import {
  type Capabilities,
  type ConnectorContext,
  ConnectorError,
  defaultCapabilities,
  defineConnector,
  type ParameterDefinition,
} from '@landbridge/connector-sdk';
import { testConnection } from './connection-test.ts';
import type { SqlDatabase } from './database.ts';
import { hasDelta } from './delta.ts';
import { openExport } from './export-session.ts';
import { findEntries } from './find.ts';
import { openImport } from './import-session.ts';
import { buildModels, type ObjectModel, schemaOf } from './object-model.ts';
import { openDatabase } from './open-database.ts';
import { readSettings, type SqlSettings } from './settings.ts';

/** The SQL connector: SQLite and PostgreSQL. */
export const connector = defineConnector({
  name: 'sql',
  version: '0.1.0',
  description: 'SQL databases: object types from tables, views or queries, side tables as multi-valued attributes, references, delta, live look-ups.',
  capabilities,
  parameters: (page) => (page === 'connectivity' ? CONNECTIVITY : page === 'schema' ? OBJECT_TYPES : []),
  validateParameters: (_page, _number, context) => readSettings(context.parameters).problems,
  async schema(context) {
    const opened = await open(context);
    await opened.database.close();
    return schemaOf(opened.models);
  },
  async openImport(context, step) {
    const { database, models } = await open(context);
    try {
      return await openImport(database, models, step);
    } catch (error) {
      await database.close();
      throw error;
    }
  },
  async openExport(context) {
    const { database, models, settings } = await open(context);
    return openExport(database, models, settings.dialect === 'sqlite' ? 1 : settings.poolSize);
  },
  async find(context, request) {
    const { database, models } = await lookUpDatabase(context);
    return findEntries(database, models, request);
  },
  test: testConnection,
});

function capabilities(context: ConnectorContext): Capabilities {
  const { settings } = readSettings(context.parameters);
  return {
    ...defaultCapabilities,
    deltaImport: Object.values(settings.objectTypes).every((type) => type?.delta !== undefined),
    find: true,
    test: true,
    isolatedEntries: true,
    resultsApply: 'at-once',
    exportType: 'attribute-update',
    exportMaxBatch: 100,
    importMaxPage: 5000,
    importDefaultPage: 500,
  };
}

interface Opened {
  readonly database: SqlDatabase;
  readonly models: ReadonlyMap<string, ObjectModel>;
  readonly settings: SqlSettings;
}

async function open(context: ConnectorContext): Promise<Opened> {
  const { settings, problems } = readSettings(context.parameters);
  const [problem] = problems;
  if (problem !== undefined) throw new ConnectorError('invalid-configuration', `${problem.parameter}: ${problem.message}`, { parameter: problem.parameter });
  const database = openDatabase(settings);
  try {
    const models = await buildModels(database, settings);
    for (const model of models.values())
      if (model.settings.delta !== undefined && !hasDelta(model))
        throw new ConnectorError('invalid-configuration', `objectTypes.${model.name}.delta: write watermarkColumn or changeLog`);
    return { database, models, settings };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Look-ups share one open database for a connector: they come one at a time and must be quick. */
const lookUps = new WeakMap<ConnectorContext['parameters'], Promise<Opened>>();

function lookUpDatabase(context: ConnectorContext): Promise<Opened> {
  const known = lookUps.get(context.parameters);
  if (known !== undefined) return known;
  const opening = open(context);
  lookUps.set(context.parameters, opening);
  opening.catch(() => lookUps.delete(context.parameters));
  return opening;
}

const CONNECTIVITY: readonly ParameterDefinition[] = [
  { name: 'dialect', kind: 'drop-down', choices: ['sqlite', 'postgres'], required: true, label: 'Database' },
  { name: 'file', kind: 'file', label: 'SQLite file' },
  { name: 'url', kind: 'secret', label: 'Connection URL', description: 'postgres://user:password@host:5432/database' },
  { name: 'host', kind: 'string', label: 'Host' },
  { name: 'port', kind: 'string', label: 'Port', default: 5432, pattern: '\\d+' },
  { name: 'database', kind: 'string', label: 'Database name' },
  { name: 'user', kind: 'string', label: 'User' },
  { name: 'password', kind: 'secret', label: 'Password' },
  {
    name: 'tls',
    kind: 'structure',
    label: 'TLS',
    schema: { type: 'object', properties: { mode: { enum: ['disable', 'require', 'verify-full'] }, ca: { type: 'string' } } },
  },
  { name: 'poolSize', kind: 'string', label: 'Connections at most', default: 8 },
  { name: 'commandTimeout', kind: 'string', label: 'Seconds a statement may take', default: 30 },
];

const OBJECT_TYPES: readonly ParameterDefinition[] = [
  {
    name: 'objectTypes',
    kind: 'structure',
    required: true,
    label: 'Object types',
    description: 'Tables, views or queries, with their anchors, references and side tables',
    schema: { type: 'object' },
  },
];
