import { ConnectorError, type ParameterValue, type ScaffoldRequest } from '@landbridge/connector-sdk';
import type { SqlDatabase } from '../database.ts';
import { openDatabase } from '../open-database.ts';
import { defaultPorts } from '../server-address.ts';
import { type DialectName, readSettings } from '../settings.ts';
import { classifyTables, type KnownTable } from './classify-tables.ts';
import { readHeldValues } from './held-values.ts';
import { writeConfiguration } from './write-configuration.ts';

const SCHEMES: Readonly<Record<string, DialectName>> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mariadb:': 'mariadb',
  'mysql:': 'mysql',
  'mssql:': 'mssql',
  'sqlserver:': 'mssql',
  'oracle:': 'oracle',
  'sqlite:': 'sqlite',
  'file:': 'sqlite',
};

/** Reads the catalogue of a database and proposes a configuration, as commented YAML. @throws ConnectorError. */
export async function scaffold(request: ScaffoldRequest): Promise<string> {
  const { parameters, shown } = connectionOf(request);
  const { settings, problems } = readSettings({ ...parameters, objectTypes: { none: { table: 'none', anchor: ['none'] } } });
  const [problem] = problems;
  if (problem !== undefined) throw new ConnectorError('invalid-configuration', `${problem.parameter}: ${problem.message}`, { parameter: problem.parameter });
  const database = await openDatabase(settings);
  try {
    const tables: KnownTable[] = [];
    for (const table of await database.tables(request.schema)) {
      const columns = await database.columns(table.name, request.schema);
      tables.push({ ...table, columns, held: await readHeldValues(database, { ...table, columns }, request.schema) });
    }
    if (tables.length === 0) throw new ConnectorError('invalid-configuration', await explainNothing(database, request.schema));
    return writeConfiguration({ name: request.name, connection: shown, schema: request.schema, classified: classifyTables(tables) });
  } finally {
    await database.close();
  }
}

const SCHEMAS = `SELECT DISTINCT table_schema FROM information_schema.tables
  WHERE lower(table_schema) NOT IN ('information_schema', 'pg_catalog', 'sys', 'mysql', 'performance_schema') ORDER BY 1`;

/** Why nothing was found, and where there is something. */
async function explainNothing(database: SqlDatabase, schema: string | undefined): Promise<string> {
  const where = schema === undefined ? 'in the schema that it starts in' : `in the schema "${schema}"`;
  const nothing = `there are no tables ${where} that this account may see`;
  // SQLite has no schemas, and Oracle names those of others elsewhere.
  const found = await database.query(SCHEMAS, []).catch(() => undefined);
  const others = (found?.rows ?? []).map(([name]) => `--schema ${JSON.stringify(String(name))}`);
  return others.length === 0 ? `${nothing}; give --schema, or another user` : `${nothing}; there are some with ${others.join(', ')}`;
}

interface Connection {
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** For the file: the password by reference. */
  readonly shown: readonly (readonly [string, string])[];
}

function connectionOf({ url, name, password }: ScaffoldRequest): Connection {
  const parsed = /^[a-z]{2,}:/i.test(url) && URL.canParse(url) ? new URL(url) : undefined;
  const dialect = parsed === undefined ? 'sqlite' : SCHEMES[parsed.protocol];
  if (dialect === undefined)
    throw new ConnectorError(
      'invalid-configuration',
      `the URL begins with ${parsed?.protocol ?? ''}//; known are ${Object.keys(SCHEMES).join('// ')}// and the path of a SQLite file`,
    );
  if (dialect === 'sqlite' || parsed === undefined) {
    const file = url.replace(/^(sqlite|file):(\/\/)?/i, '');
    const own = { dialect: 'sqlite', file };
    return { parameters: own, shown: Object.entries(own) };
  }
  const own = {
    dialect,
    host: decodeURIComponent(parsed.hostname),
    port: parsed.port === '' ? String(defaultPorts[dialect]) : parsed.port,
    database: decodeURIComponent(parsed.pathname.slice(1)),
    user: decodeURIComponent(parsed.username),
  };
  const secret = parsed.password === '' ? password : decodeURIComponent(parsed.password);
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== ''));
  const tls = tlsOf(parsed.searchParams);
  const variable = `${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_PASSWORD`;
  return {
    parameters: { ...given, ...(secret === undefined ? {} : { password: secret }), ...(tls === undefined ? {} : { tls }) },
    shown: [
      ...Object.entries(given),
      ...(secret === undefined ? [] : [['password', `\${env:${variable}}`] as const]),
      ...(tls === undefined ? [] : [['tls', JSON.stringify(tls)] as const]),
    ],
  };
}

/** `?tls=require`, `?tls=verify-full&ca=ca.pem`: what the parameter `tls` says; the connection checks it. */
function tlsOf(parameters: URLSearchParams): Readonly<Record<string, string>> | undefined {
  const [mode, ca] = [parameters.get('tls'), parameters.get('ca')];
  return mode === null ? undefined : { mode, ...(ca === null ? {} : { ca }) };
}
