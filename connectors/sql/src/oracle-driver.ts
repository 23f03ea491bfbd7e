import { ConnectorError } from '@landbridge/connector-sdk';

/** The part of the npm package oracledb that the connector uses, in its thin mode: no client of Oracle's is installed. */
export interface OracleDriver {
  readonly OUT_FORMAT_ARRAY: number;
  readonly BIND_IN: number;
  readonly BIND_OUT: number;
  readonly STRING: unknown;
  readonly NUMBER: unknown;
  readonly BUFFER: unknown;
  readonly DB_TYPE_NUMBER: unknown;
  readonly DB_TYPE_CLOB: unknown;
  readonly DB_TYPE_NCLOB: unknown;
  readonly DB_TYPE_BLOB: unknown;
  getConnection(attributes: OracleAddress): Promise<OracleConnection>;
}

/** Where to connect, and as whom. */
export interface OracleAddress {
  readonly user: string;
  readonly password: string;
  /** `host:port/service`, with `tcps://` before it for TLS. */
  readonly connectString: string;
  /** Certificates to trust, PEM. */
  readonly walletContent?: string;
}

/** A connection of the driver. */
export interface OracleConnection {
  /** Milliseconds that a call may take; 0 is for ever. */
  callTimeout: number;
  execute(sql: string, binds: Readonly<Record<string, OracleBind>>, options: OracleOptions): Promise<OracleResult>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  ping(): Promise<void>;
  /** Stops what is under way. */
  break(): Promise<void>;
  close(): Promise<void>;
  /** Whether it is open, as far as this side knows. */
  isHealthy(): boolean;
}

/** A value that goes in, or room for one that comes out. */
export interface OracleBind {
  readonly dir: number;
  readonly type: unknown;
  readonly val?: string | number | Buffer | null;
  readonly maxSize?: number;
}

export interface OracleOptions {
  readonly outFormat: number;
  readonly fetchArraySize?: number;
  readonly resultSet?: boolean;
  readonly fetchTypeHandler?: (column: { readonly dbType: unknown }) => { readonly type: unknown } | undefined;
}

/** What a statement answers. */
export interface OracleResult {
  readonly rows?: readonly (readonly unknown[])[];
  readonly rowsAffected?: number;
  readonly outBinds?: Readonly<Record<string, unknown>>;
  readonly metaData?: readonly OracleColumn[];
  readonly resultSet?: { getRows(count: number): Promise<readonly (readonly unknown[])[]>; close(): Promise<void> };
}

/** A column of a result, as the driver describes it. */
export interface OracleColumn {
  readonly name: string;
  readonly dbTypeName: string;
  readonly precision?: number;
  readonly scale?: number;
  readonly byteSize?: number;
  readonly nullable?: boolean;
}

/** Loads the driver when it is needed first: hosts without Oracle do without it. @throws ConnectorError where it is not installed. */
export async function loadOracle(): Promise<OracleDriver> {
  try {
    return ((await import('oracledb')) as { readonly default: OracleDriver }).default;
  } catch (error) {
    throw new ConnectorError('invalid-configuration', 'the driver of Oracle is not installed; install the npm package oracledb', {}, { cause: error });
  }
}
