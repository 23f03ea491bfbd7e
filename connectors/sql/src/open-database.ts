import type { SqlDatabase } from './database.ts';
import { openPostgres } from './postgres-database.ts';
import type { SqlSettings } from './settings.ts';
import { openSqlite } from './sqlite-database.ts';

/** Opens the database of the settings. Another dialect is another line here, and its own file. */
export function openDatabase(settings: SqlSettings): SqlDatabase {
  return settings.dialect === 'postgres' ? openPostgres(settings) : openSqlite(settings);
}
