import type { SqlRow, SqlValue } from '../database.ts';
import {
  type Address,
  CONNECTION,
  type DriverManager,
  ENVIRONMENT,
  type Memory,
  NO_DATA,
  OdbcFailure,
  STATEMENT,
  SUCCESS,
  SUCCESS_WITH_INFO,
} from './driver-manager.ts';
import type { CatalogueCall, DriverFacts, ResultColumn, RowsPage } from './messages.ts';

/** Numbers of sql.h, sqlext.h and sqlucode.h. */
const ODBC_VERSION = { attribute: 200, three: 3 };
const AUTOCOMMIT = 102;
const LOGIN_TIMEOUT = 103;
const ISOLATION = 108;
const QUERY_TIMEOUT = 0;
const MAX_ROWS = 1;
const NTS = -3;
const NULL_DATA = -1;
const NO_TOTAL = -4;
const CLOSE = 0;
const RESET_PARAMETERS = 3;
const NOPROMPT = 0;
const C_WCHAR = -8;
const C_BINARY = -2;
const C_SBIGINT = -25;
const C_DOUBLE = 8;
const C_BIT = -7;
const WVARCHAR = -9;
const WLONGVARCHAR = -10;
const VARBINARY = -3;
const LONGVARBINARY = -4;
const BIGINT = -5;
const DOUBLE = 8;
const BIT = -7;
const INPUT = 1;
const INFO = { driver: 6, product: 17, version: 18, quote: 29, transactions: 46, isolations: 72 } as const;

/** Bytes that a value may have to be of a type with a length; longer ones are of a "long" type. */
const SHORT_TEXT = 4000;
const SHORT_BYTES = 8000;
/** Bytes that one call reads of a value: a longer one takes several calls. */
const CHUNK = 64 * 1024;
/** How long rows are read without a pause, and from when on reading one counts as waiting. */
const TURN_MILLISECONDS = 5;
const WAITED_MILLISECONDS = 20;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
const BINARY_TYPES: ReadonlySet<number> = new Set([-2, -3, -4]);

/** A connection of the program: its handles, one statement, and the memory that they work in. */
export interface ProgramConnection {
  connect(text: string, seconds: number): Promise<DriverFacts>;
  /** Runs a statement. At most `rows` rows are returned at once; `bytes` is what is read of a value. */
  run(sql: string, values: readonly SqlValue[], seconds: number, rows: number, bytes: number): Promise<RowsPage>;
  more(rows: number, bytes: number): Promise<RowsPage>;
  describe(sql: string): Promise<readonly ResultColumn[]>;
  catalogue(call: CatalogueCall): Promise<readonly SqlRow[]>;
  begin(isolation: number | undefined): Promise<void>;
  end(commit: boolean): Promise<void>;
  /** Closes the cursor. */
  free(): void;
  cancel(): Promise<void>;
  disconnect(): Promise<void>;
}

/** Makes a connection, not connected yet. */
export function createConnection(manager: DriverManager): ProgramConnection {
  const environment = manager.allocateHandle(ENVIRONMENT, null);
  manager.check(manager.call('SQLSetEnvAttr', environment, ODBC_VERSION.attribute, ODBC_VERSION.three, 0), ENVIRONMENT, environment);
  const connection = manager.allocateHandle(CONNECTION, environment);
  // The indicator of a value, then its bytes.
  const reading = manager.allocate(CHUNK + 8);
  let statement: Address = null;
  let parameters: Memory | undefined;
  let columns: readonly ResultColumn[] = [];
  /** The cursor was read to its end, or there is none. */
  let ended = true;

  const checked = (code: number): void => manager.check(code, STATEMENT, statement);
  const attribute = (name: number, value: number): void =>
    // What a driver does not have it may refuse: a limit of time or rows is a courtesy, and kept on this side as well.
    void manager.call('SQLSetStmtAttrW', statement, name, value, 0);

  function begin(): void {
    statement ??= manager.allocateHandle(STATEMENT, connection);
    manager.call('SQLFreeStmt', statement, CLOSE);
    manager.call('SQLFreeStmt', statement, RESET_PARAMETERS);
    columns = [];
    ended = true;
  }

  function bind(values: readonly SqlValue[]): void {
    if (values.length === 0) return;
    const encoded = values.map(encodeParameter);
    const needed = encoded.reduce((sum, one) => sum + 8 + align(one.bytes.length + 2), 0);
    if (parameters === undefined || parameters.bytes.length < needed) {
      parameters?.free();
      parameters = manager.allocate(Math.max(needed, 4096));
    }
    let at = 0;
    for (const [index, { cType, sqlType, size, bytes, isNull }] of encoded.entries()) {
      parameters.bytes.writeBigInt64LE(BigInt(isNull ? NULL_DATA : bytes.length), at);
      bytes.copy(parameters.bytes, at + 8);
      const [indicator, data] = [parameters.address + BigInt(at), parameters.address + BigInt(at + 8)];
      checked(manager.call('SQLBindParameter', statement, index + 1, INPUT, cType, sqlType, size, 0, data, bytes.length, indicator));
      at += 8 + align(bytes.length + 2);
    }
  }

  /** The columns of the present result; none where the statement returns no rows. */
  function readColumns(): readonly ResultColumn[] {
    const { address, bytes } = reading;
    checked(manager.call('SQLNumResultCols', statement, address));
    const count = bytes.readInt16LE(0);
    return Array.from({ length: count }, (_, index) => {
      const name = address + 64n;
      checked(manager.call('SQLDescribeColW', statement, index + 1, name, 1024, address, address + 8n, address + 16n, address + 24n, address + 32n));
      const length = bytes.readInt16LE(0);
      return {
        name: bytes.toString('utf16le', 64, 64 + length * 2),
        type: bytes.readInt16LE(8),
        size: Number(bytes.readBigUInt64LE(16)),
        nullable: bytes.readInt16LE(32) !== 0,
      };
    });
  }

  /** A value, in as many calls as it takes: up to `limit` bytes of it. */
  function readValue(index: number, limit: number): string | Uint8Array | null {
    const isBinary = BINARY_TYPES.has(columns[index]?.type ?? 0);
    const [cType, terminator] = isBinary ? [C_BINARY, 0] : [C_WCHAR, 2];
    const parts: Buffer[] = [];
    let total = 0;
    for (;;) {
      const code = manager.call('SQLGetData', statement, index + 1, cType, reading.address + 8n, CHUNK, reading.address);
      if (code === NO_DATA) break;
      checked(code);
      const indicator = Number(reading.bytes.readBigInt64LE(0));
      if (indicator === NULL_DATA) return null;
      const isCut = code === SUCCESS_WITH_INFO && (indicator === NO_TOTAL || indicator > CHUNK - terminator);
      const length = isCut ? CHUNK - terminator : indicator;
      parts.push(Buffer.from(reading.bytes.subarray(8, 8 + length)));
      total += length;
      if (!isCut || (isBinary && total >= limit)) break;
    }
    const [first] = parts;
    const all = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
    return isBinary ? all : all.toString('utf16le');
  }

  /**
   * One row at a time: drivers lose rows of larger blocks (MariaDB's does). The first row is waited for on a thread; those after it
   * are mostly there already, and the way to a thread would cost more than they do. Once one was not, threads wait again.
   */
  async function fetch(rows: number, bytes: number): Promise<RowsPage> {
    const page: SqlRow[] = [];
    let mayWait = true;
    let turn = performance.now();
    while (!ended && page.length < rows) {
      if (!mayWait && performance.now() - turn > TURN_MILLISECONDS) {
        // Others are served between turns.
        await new Promise(setImmediate);
        turn = performance.now();
      }
      const started = performance.now();
      const code = mayWait ? await manager.wait('SQLFetch', statement) : manager.call('SQLFetch', statement);
      mayWait = performance.now() - started > WAITED_MILLISECONDS;
      if (code === NO_DATA) ended = true;
      else {
        checked(code);
        page.push(columns.map((_, index) => readValue(index, bytes)));
      }
    }
    return { rows: page, ended, changes: 0 };
  }

  /** The first result that has rows; where none has, the rows that were changed. */
  async function firstResult(rows: number, bytes: number): Promise<RowsPage> {
    let changes = 0;
    for (;;) {
      columns = readColumns();
      if (columns.length > 0) {
        ended = false;
        return fetch(rows, bytes);
      }
      checked(manager.call('SQLRowCount', statement, reading.address));
      changes += Math.max(Number(reading.bytes.readBigInt64LE(0)), 0);
      const code = await manager.wait('SQLMoreResults', statement);
      if (code === NO_DATA) return { rows: [], ended: true, changes };
      checked(code);
    }
  }

  function info(type: number): string {
    const code = manager.call('SQLGetInfoW', connection, type, reading.address + 8n, 1024, reading.address);
    if (code !== SUCCESS && code !== SUCCESS_WITH_INFO) return '';
    return reading.bytes.toString('utf16le', 8, 8 + reading.bytes.readInt16LE(0));
  }

  function numericInfo(type: number): number {
    reading.bytes.writeUInt32LE(0, 8);
    manager.call('SQLGetInfoW', connection, type, reading.address + 8n, 4, reading.address);
    return reading.bytes.readUInt32LE(8);
  }

  return {
    async connect(text, seconds) {
      manager.call('SQLSetConnectAttrW', connection, LOGIN_TIMEOUT, seconds, 0);
      const code = await manager.wait('SQLDriverConnectW', connection, null, wide(text), NTS, null, 0, null, NOPROMPT);
      manager.check(code, CONNECTION, connection);
      return {
        product: info(INFO.product),
        version: info(INFO.version),
        driver: info(INFO.driver),
        quote: info(INFO.quote),
        isolations: numericInfo(INFO.isolations),
        transactions: (numericInfo(INFO.transactions) & 0xffff) !== 0,
      };
    },
    async run(sql, values, seconds, rows, bytes) {
      begin();
      attribute(QUERY_TIMEOUT, seconds);
      attribute(MAX_ROWS, 0);
      bind(values);
      const text = wide(sql);
      const code = await manager.wait('SQLExecDirectW', statement, text, NTS);
      // A searched UPDATE or DELETE that finds no row is no error.
      checked(code);
      return firstResult(rows, bytes);
    },
    more: fetch,
    async describe(sql) {
      begin();
      checked(await manager.wait('SQLPrepareW', statement, wide(sql), NTS));
      return readColumns();
    },
    async catalogue(call) {
      begin();
      checked(await manager.wait(...catalogueCall(call, statement)));
      columns = readColumns();
      ended = columns.length === 0;
      return (await fetch(Number.MAX_SAFE_INTEGER, CHUNK)).rows;
    },
    async begin(isolation) {
      if (isolation !== undefined) manager.check(manager.call('SQLSetConnectAttrW', connection, ISOLATION, isolation, 0), CONNECTION, connection);
      manager.check(manager.call('SQLSetConnectAttrW', connection, AUTOCOMMIT, 0, 0), CONNECTION, connection);
    },
    async end(commit) {
      if (statement !== null) manager.call('SQLFreeStmt', statement, CLOSE);
      ended = true;
      manager.check(await manager.wait('SQLEndTran', CONNECTION, connection, commit ? 0 : 1), CONNECTION, connection);
      manager.check(manager.call('SQLSetConnectAttrW', connection, AUTOCOMMIT, 1, 0), CONNECTION, connection);
    },
    free() {
      if (statement !== null) manager.call('SQLFreeStmt', statement, CLOSE);
      ended = true;
    },
    async cancel() {
      if (statement !== null) await manager.wait('SQLCancel', statement);
    },
    async disconnect() {
      if (statement !== null) manager.call('SQLFreeHandle', STATEMENT, statement);
      statement = null;
      await manager.wait('SQLEndTran', CONNECTION, connection, 1);
      await manager.wait('SQLDisconnect', connection);
      manager.call('SQLFreeHandle', CONNECTION, connection);
      manager.call('SQLFreeHandle', ENVIRONMENT, environment);
      reading.free();
      parameters?.free();
    },
  };
}

/** A text as the driver manager reads it: UTF-16, ended by a zero. */
function wide(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf16le');
}

function catalogueCall(call: CatalogueCall, statement: Address): Parameters<DriverManager['wait']> {
  const name = (text: string | null): readonly [Buffer | null, number] => (text === null ? [null, 0] : [wide(text), NTS]);
  const any = name(null);
  const table = name(call.table);
  const schema = name(call.schema);
  switch (call.function) {
    case 'tables':
      return ['SQLTablesW', statement, ...any, ...schema, ...table, ...name('TABLE,VIEW')];
    case 'columns':
      return ['SQLColumnsW', statement, ...any, ...schema, ...table, ...any];
    case 'primaryKeys':
      return ['SQLPrimaryKeysW', statement, ...any, ...schema, ...table];
    case 'foreignKeys':
      return ['SQLForeignKeysW', statement, ...any, ...any, ...any, ...any, ...schema, ...table];
    case 'statistics':
      // Unique indexes only; quickly, without asking the rows.
      return ['SQLStatisticsW', statement, ...any, ...schema, ...table, 0, 0];
  }
}

function align(length: number): number {
  return (length + 7) & ~7;
}

interface EncodedParameter {
  readonly cType: number;
  readonly sqlType: number;
  /** Characters or bytes. */
  readonly size: number;
  readonly bytes: Buffer;
  readonly isNull: boolean;
}

function encodeParameter(value: SqlValue): EncodedParameter {
  if (value === null) return { cType: C_WCHAR, sqlType: WVARCHAR, size: 1, bytes: Buffer.alloc(0), isNull: true };
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) {
    const integer = BigInt(value);
    if (integer < MIN_INT64 || integer > MAX_INT64) return encodeText(integer.toString());
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(integer);
    return { cType: C_SBIGINT, sqlType: BIGINT, size: 19, bytes, isNull: false };
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return { cType: C_DOUBLE, sqlType: DOUBLE, size: 15, bytes, isNull: false };
  }
  if (typeof value === 'boolean') return { cType: C_BIT, sqlType: BIT, size: 1, bytes: Buffer.from([value ? 1 : 0]), isNull: false };
  if (typeof value === 'string') return encodeText(value);
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return { cType: C_BINARY, sqlType: bytes.length > SHORT_BYTES ? LONGVARBINARY : VARBINARY, size: Math.max(bytes.length, 1), bytes, isNull: false };
  }
  throw new OdbcFailure({ state: '07006', native: 0, message: 'the database has no lists' });
}

function encodeText(text: string): EncodedParameter {
  const bytes = Buffer.from(text, 'utf16le');
  return { cType: C_WCHAR, sqlType: text.length > SHORT_TEXT ? WLONGVARCHAR : WVARCHAR, size: Math.max(text.length, 1), bytes, isNull: false };
}
