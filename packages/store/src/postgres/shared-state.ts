import { observedSettings } from '../control-store.ts';
import { connectorSchema, openPool, type PostgresOptions, quote } from './connection.ts';

/** Who has a connector now. */
export interface ConnectorOwner {
  readonly owner: string;
  /** What the owner said of itself when it took the connector: where other hosts reach it. */
  readonly address: string | undefined;
}

/** What several hosts of an installation know of each other. */
export interface SharedState {
  /**
   * A text that changes with every change of tokens, configuration and secrets, whichever host made it, and with nothing that a host only noticed.
   *
   * @throws StoreUnavailableError
   */
  readVersion(): Promise<string>;
  /** The host whose lease of the connector lasts, this one included. @throws StoreUnavailableError */
  readOwner(connector: string): Promise<ConnectorOwner | undefined>;
  close(): Promise<void>;
}

/** `undefined_table`, `undefined_column` (PostgreSQL manual, appendix A): nobody of this version has opened the connector yet. */
const NOT_THERE = new Set(['42P01', '42703', '3F000']);

const VERSION = `SELECT concat_ws('/', (SELECT max(number) FROM revisions), (SELECT concat_ws(',', count(*), max(created), max(revoked), count(revoked)) FROM tokens),
  (SELECT md5(string_agg(name || value, '/' ORDER BY name)) FROM settings WHERE name <> ALL ($1::text[]))) AS version`;

/** Opens the look-outs of a host, over two connections of their own. */
export function openSharedState(options: PostgresOptions): SharedState {
  const pool = openPool(options, options.schema ?? 'landbridge', 2);
  return {
    readVersion: async () => String((await pool.get(VERSION, observedSettings))?.['version']),
    async readOwner(connector) {
      try {
        const head = await pool.get(`SELECT owner, address FROM ${quote(connectorSchema(options, connector))}.head WHERE lease_until > now()`);
        return head === undefined ? undefined : { owner: String(head['owner']), address: head['address'] === null ? undefined : String(head['address']) };
      } catch (error) {
        if (NOT_THERE.has((error as { readonly code?: string }).code ?? '')) return undefined;
        throw error;
      }
    },
    close: () => pool.close(),
  };
}
