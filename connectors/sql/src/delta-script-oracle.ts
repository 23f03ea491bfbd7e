import { qualified, quote } from './database.ts';
import type { ScriptWords } from './delta-script.ts';

/** One trigger for a table; the slash ends what a tool for scripts sends as one. */
export const oracleScript: ScriptWords = {
  sequence: 'NUMBER(19) GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  moment: 'TIMESTAMP(3) DEFAULT SYS_EXTRACT_UTC(SYSTIMESTAMP) NOT NULL',
  type: ({ declared }) => declared,
  triggers(log, name, { table, schema, key, isMain }, keys) {
    const row = (which: string): string => key.map((column) => `:${which}.${quote(column)}`).join(', ');
    const entry = (which: string, operation: string): string =>
      `INSERT INTO ${log} (${keys.map(quote).join(', ')}, "operation") VALUES (${row(which)}, '${operation}');`;
    const differs = key.map((column) => `DECODE(:OLD.${quote(column)}, :NEW.${quote(column)}, 0, 1) = 1`);
    // DECODE takes two NULLs for the same, but belongs to SQL.
    return [
      `CREATE TRIGGER ${qualified(name, schema)} AFTER INSERT OR UPDATE OR DELETE ON ${qualified(table, schema)} FOR EACH ROW`,
      'DECLARE moved NUMBER; BEGIN',
      `  IF INSERTING THEN ${entry('NEW', isMain ? 'I' : 'U')}`,
      `  ELSIF DELETING THEN ${entry('OLD', isMain ? 'D' : 'U')}`,
      `  ELSE ${entry('NEW', 'U')}`,
      `    SELECT COUNT(*) INTO moved FROM DUAL WHERE ${differs.join(' OR ')};`,
      `    IF moved > 0 THEN ${entry('OLD', isMain ? 'D' : 'U')} END IF;`,
      '  END IF; END;',
      '/',
    ];
  },
  cleanUp: (log) => `DELETE FROM ${log} WHERE "changed" < SYS_EXTRACT_UTC(SYSTIMESTAMP) - INTERVAL '30' DAY AND "seq" < (SELECT MAX("seq") FROM ${log});`,
};
