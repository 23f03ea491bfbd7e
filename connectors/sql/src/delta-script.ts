import { type ConnectorContext, ConnectorError } from '@landbridge/connector-sdk';
import { type CatalogueColumn, type Dialect, qualified, quote } from './database.ts';
import { mssqlScript } from './delta-script-mssql.ts';
import { oracleScript } from './delta-script-oracle.ts';
import type { ObjectModel, SideAttribute } from './object-model.ts';
import { openApplication } from './open-database.ts';

/** A table whose changes are logged for the entries of an object type, with the columns that hold their anchor. */
export interface Watched {
  readonly table: string;
  readonly schema: string | undefined;
  readonly key: readonly string[];
  /** Its rows are the entries themselves: when one goes, the entry goes. */
  readonly isMain: boolean;
}

/** The parts of a script that differ between databases. */
export interface ScriptWords {
  readonly sequence: string;
  readonly moment: string;
  /** The type of a key column in the log. */
  type(column: CatalogueColumn): string;
  triggers(log: string, name: string, watched: Watched, keys: readonly string[]): readonly string[];
  cleanUp(log: string): string;
}

/**
 * The script that makes a change log for each object type of a table: a log, and triggers on the table and its side tables that
 * write the anchor of whatever changes into it; and the lines of the configuration that read it.
 */
export async function deltaScript(context: ConnectorContext): Promise<string> {
  const { database, models } = await openApplication(context);
  await database.close();
  return formatDeltaScript(database.dialect, [...models.values()]);
}

/** Names as the administrator's session takes them, which is not ours. */
const QUOTES: Partial<Record<Dialect['name'], (script: string) => string>> = {
  mysql: (script) => script.replaceAll('"', '`'),
  mssql: (script) => script.replace(/"((?:[^"]|"")*)"/g, (_, name: string) => `[${name.replaceAll('""', '"').replaceAll(']', ']]')}]`),
};

/** The script for these object types. @throws ConnectorError when none comes from a table. */
function formatDeltaScript({ name }: Pick<Dialect, 'name'>, models: readonly ObjectModel[]): string {
  const words = WORDS[name];
  if (words === undefined)
    throw new ConnectorError('not-supported', 'triggers of this database are not known here; write the log yourself: docs/guide/connect-a-database.md');
  const fromTables = models.filter((model) => model.settings.table !== undefined || model.settings.writeTable !== undefined);
  if (fromTables.length === 0)
    throw new ConnectorError('not-supported', 'no object type comes from a table: triggers belong to tables; name a writeTable, or write the log yourself');
  const left = models
    .filter((model) => !fromTables.includes(model))
    .map((model) => `-- ${model.name} comes from a view or a query: let the application write its log.`);
  const script = `${[...fromTables.flatMap((model) => scriptOf(words, model)), ...left].join('\n')}\n`;
  return QUOTES[name]?.(script) ?? script;
}

function scriptOf(words: ScriptWords, model: ObjectModel): readonly string[] {
  const { settings } = model;
  const logName = `landbridge_log_${model.name.toLowerCase().replace(/[^a-z0-9]/g, '_')}`;
  const log = qualified(logName, settings.schema);
  const keys = model.anchor.map(({ column }) => column.name);
  const columns = model.anchor.map(({ column }) => `${quote(column.name)} ${words.type(column)}`);
  const main: Watched = { table: settings.table ?? settings.writeTable ?? '', schema: settings.schema, key: keys, isMain: true };
  const watched = [main, ...model.sides.map((side) => watchedSide(side))];
  return [
    `-- Object type ${model.name}. TRUNCATE, and programs that switch triggers off, are not seen.`,
    `CREATE TABLE ${log} ("seq" ${words.sequence}, ${columns.join(', ')}, "operation" char(1) NOT NULL, "changed" ${words.moment});`,
    ...watched.flatMap((one, index) => words.triggers(log, `${logName}${index === 0 ? '' : `_${index}`}`, one, keys)),
    '-- Now and then, keep the newest row and remove what every delta has read:',
    `-- ${words.cleanUp(log)}`,
    '-- In the configuration:',
    `--   delta: { changeLog: { table: ${logName}, ${settings.schema === undefined ? '' : `schema: ${settings.schema}, `}sequence: seq, key: [${keys.join(', ')}], operation: operation, operations: { D: delete } } }`,
    '',
  ];
}

function watchedSide({ settings }: SideAttribute): Watched {
  return { table: settings.table, schema: settings.schema, key: settings.key, isMain: false };
}

/** An INSERT of one key into the log. */
function entry(log: string, keys: readonly string[], values: readonly string[], operation: string): string {
  return `INSERT INTO ${log} (${keys.map(quote).join(', ')}, "operation") VALUES (${values.join(', ')}, '${operation}')`;
}

/** What each operation on a table writes: the new key, and the old one where it is another. */
function entriesOf(log: string, { key, isMain }: Watched, keys: readonly string[], row: (which: 'OLD' | 'NEW', column: string) => string) {
  const of = (which: 'OLD' | 'NEW', operation: string): string =>
    entry(
      log,
      keys,
      key.map((column) => row(which, column)),
      operation,
    );
  return {
    INSERT: [of('NEW', isMain ? 'I' : 'U')],
    UPDATE: [of('NEW', 'U')],
    /** After an update of the key, beside the above. */
    moved: of('OLD', isMain ? 'D' : 'U'),
    DELETE: [of('OLD', isMain ? 'D' : 'U')],
  };
}

const OPERATIONS = ['INSERT', 'UPDATE', 'DELETE'] as const;

const sqlite: ScriptWords = {
  sequence: 'INTEGER PRIMARY KEY AUTOINCREMENT',
  moment: 'TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP',
  type: (column) => (column.declared === '' ? 'TEXT' : column.declared),
  triggers(log, name, watched, keys) {
    const on = qualified(watched.table, watched.schema);
    const row = (which: string, column: string): string => `${which}.${quote(column)}`;
    const entries = entriesOf(log, watched, keys, row);
    const differs = watched.key.map((column) => `${row('OLD', column)} IS NOT ${row('NEW', column)}`).join(' OR ');
    const trigger = (suffix: string, operation: string, when: string, body: string): string =>
      `CREATE TRIGGER ${quote(`${name}_${suffix}`)} AFTER ${operation} ON ${on}${when} BEGIN ${body}; END;`;
    return [
      ...OPERATIONS.map((operation) => trigger(operation.toLowerCase(), operation, '', entries[operation].join('; '))),
      trigger('moved', 'UPDATE', ` WHEN ${differs}`, entries.moved),
    ];
  },
  cleanUp: (log) => `DELETE FROM ${log} WHERE "changed" < datetime('now', '-30 days') AND "seq" < (SELECT max("seq") FROM ${log});`,
};

const postgres: ScriptWords = {
  sequence: 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  moment: 'timestamptz NOT NULL DEFAULT now()',
  type: (column) => column.declared,
  triggers(log, name, watched, keys) {
    const row = (which: string, column: string): string => `${which}.${quote(column)}`;
    const entries = entriesOf(log, watched, keys, row);
    const differs = watched.key.map((column) => `${row('OLD', column)} IS DISTINCT FROM ${row('NEW', column)}`).join(' OR ');
    const routine = qualified(name, watched.schema);
    return [
      `CREATE FUNCTION ${routine}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$ BEGIN`,
      `  IF TG_OP = 'INSERT' THEN ${entries.INSERT.join('; ')};`,
      `  ELSIF TG_OP = 'DELETE' THEN ${entries.DELETE.join('; ')};`,
      `  ELSE ${entries.UPDATE.join('; ')}; IF ${differs} THEN ${entries.moved}; END IF; END IF;`,
      '  RETURN NULL; END $$;',
      `CREATE TRIGGER ${quote(name)} AFTER INSERT OR UPDATE OR DELETE ON ${qualified(watched.table, watched.schema)} FOR EACH ROW EXECUTE FUNCTION ${routine}();`,
    ];
  },
  cleanUp: (log) => `DELETE FROM ${log} WHERE "changed" < now() - interval '30 days' AND "seq" < (SELECT max("seq") FROM ${log});`,
};

const mysql: ScriptWords = {
  sequence: 'bigint AUTO_INCREMENT PRIMARY KEY',
  moment: 'datetime(6) NOT NULL DEFAULT now(6)',
  type: (column) =>
    column.declared.replace(/^(tiny|medium|long)?text$/, 'varchar(255)') + (column.collation === undefined ? '' : ` COLLATE ${column.collation}`),
  triggers(log, name, watched, keys) {
    const row = (which: string, column: string): string => `${which}.${quote(column)}`;
    const entries = entriesOf(log, watched, keys, row);
    const differs = watched.key.map((column) => `NOT (${row('OLD', column)} <=> ${row('NEW', column)})`).join(' OR ');
    const trigger = (operation: string, body: string): string =>
      `CREATE TRIGGER ${quote(`${name}_${operation.toLowerCase()}`)} AFTER ${operation} ON ${qualified(watched.table, watched.schema)} FOR EACH ROW ${body};`;
    // One statement for each trigger, without a block: no client needs another delimiter. A second one for updates tells of moves.
    const moved = `INSERT INTO ${log} (${keys.map(quote).join(', ')}, "operation") SELECT ${watched.key.map((column) => row('OLD', column)).join(', ')}, '${watched.isMain ? 'D' : 'U'}' FROM DUAL WHERE ${differs}`;
    return [
      ...OPERATIONS.map((operation) => trigger(operation, entries[operation].join('; '))),
      `CREATE TRIGGER ${quote(`${name}_moved`)} AFTER UPDATE ON ${qualified(watched.table, watched.schema)} FOR EACH ROW ${moved};`,
    ];
  },
  cleanUp: (log) => `DELETE FROM ${log} WHERE "changed" < now() - INTERVAL 30 DAY AND "seq" < (SELECT * FROM (SELECT max("seq") FROM ${log}) AS newest);`,
};

const WORDS: Partial<Record<Dialect['name'], ScriptWords>> = { sqlite, postgres, mysql, mssql: mssqlScript, oracle: oracleScript };
