import type { DialectName, SqlSettings } from './settings.ts';

/** The ports that servers listen on unless told otherwise. */
export const defaultPorts: Readonly<Record<DialectName, number>> = {
  sqlite: 0,
  postgres: 5432,
  mariadb: 3306,
  mysql: 3306,
  mssql: 1433,
  oracle: 1521,
  odbc: 0,
};

/** Where the server is, by the URL or by `host` and `port`. */
export function addressOf(settings: SqlSettings): { readonly host: string; readonly port: number } {
  const usual = defaultPorts[settings.dialect];
  if (settings.url === undefined || !URL.canParse(settings.url)) return { host: settings.host ?? 'localhost', port: settings.port ?? usual };
  const url = new URL(settings.url);
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '');
  return { host: host === '' ? 'localhost' : host, port: url.port === '' ? usual : Number(url.port) };
}
