import { qualified, quote } from './database.ts';
import type { ScriptWords } from './delta-script.ts';

/** Keys are the same where their bytes are: the collation may call different texts equal. */
function isSameKey(columns: readonly string[]): string {
  return columns.map((column) => `CONVERT(varbinary(900), i.${quote(column)}) = CONVERT(varbinary(900), d.${quote(column)})`).join(' AND ');
}

/** One trigger for a table; it sees all rows of a statement at once. */
export const mssqlScript: ScriptWords = {
  sequence: 'bigint IDENTITY(1,1) PRIMARY KEY',
  moment: 'datetime2(3) NOT NULL DEFAULT SYSUTCDATETIME()',
  type: ({ declared, collation }) => `${declared}${collation === undefined ? '' : ` COLLATE ${collation}`}`,
  triggers(log, name, { table, schema, key, isMain }, keys) {
    const into = `INSERT INTO ${log} (${keys.map(quote).join(', ')}, "operation")`;
    const list = (alias: string): string => key.map((column) => `${alias}.${quote(column)}`).join(', ');
    const other = (from: string): string => `EXISTS (SELECT 1 FROM ${from} WHERE ${isSameKey(key)})`;
    const word = isMain ? `CASE WHEN ${other('deleted d')} THEN 'U' ELSE 'I' END` : "'U'";
    return [
      // A trigger is the first of its batch: the first one ends that of the table.
      ...(isMain ? ['GO'] : []),
      `CREATE TRIGGER ${qualified(name, schema)} ON ${qualified(table, schema)} AFTER INSERT, UPDATE, DELETE AS BEGIN`,
      '  SET NOCOUNT ON;',
      `  ${into} SELECT DISTINCT ${list('d')}, '${isMain ? 'D' : 'U'}' FROM deleted d WHERE NOT ${other('inserted i')};`,
      `  ${into} SELECT DISTINCT ${list('i')}, ${word} FROM inserted i;`,
      'END;',
      'GO',
    ];
  },
  cleanUp: (log) => `DELETE FROM ${log} WHERE "changed" < DATEADD(day, -30, SYSUTCDATETIME()) AND "seq" < (SELECT MAX("seq") FROM ${log});`,
};
