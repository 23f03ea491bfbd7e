import { createRequire } from 'node:module';
import type { Diagnosis } from './messages.ts';

/** Addresses are 64-bit integers; `null` is no address. */
export type Address = bigint | null;

/** What the program uses of koffi. */
interface Koffi {
  load(path: string): { func(signature: string): NativeFunction };
  alloc(type: string, length: number): bigint;
  free(address: bigint): void;
  view(address: bigint, length: number): ArrayBuffer;
}

/** A function of the driver manager; `async` runs it on a thread of the pool. */
interface NativeFunction {
  (...values: readonly unknown[]): number;
  async(...values: readonly unknown[]): void;
}

/** The functions of ODBC 3 that are used, with their declarations (learn.microsoft.com, "ODBC Function Summary"). Texts are UTF-16. */
const SIGNATURES = {
  SQLAllocHandle: 'int16_t SQLAllocHandle(int16_t, void *, _Out_ void **)',
  SQLFreeHandle: 'int16_t SQLFreeHandle(int16_t, void *)',
  SQLSetEnvAttr: 'int16_t SQLSetEnvAttr(void *, int32_t, intptr_t, int32_t)',
  SQLSetConnectAttrW: 'int16_t SQLSetConnectAttrW(void *, int32_t, intptr_t, int32_t)',
  SQLSetStmtAttrW: 'int16_t SQLSetStmtAttrW(void *, int32_t, intptr_t, int32_t)',
  SQLDriverConnectW: 'int16_t SQLDriverConnectW(void *, void *, void *, int16_t, void *, int16_t, void *, uint16_t)',
  SQLDisconnect: 'int16_t SQLDisconnect(void *)',
  SQLGetInfoW: 'int16_t SQLGetInfoW(void *, uint16_t, void *, int16_t, void *)',
  SQLGetDiagRecW: 'int16_t SQLGetDiagRecW(int16_t, void *, int16_t, void *, void *, void *, int16_t, void *)',
  SQLExecDirectW: 'int16_t SQLExecDirectW(void *, void *, int32_t)',
  SQLPrepareW: 'int16_t SQLPrepareW(void *, void *, int32_t)',
  SQLBindParameter: 'int16_t SQLBindParameter(void *, uint16_t, int16_t, int16_t, int16_t, uintptr_t, int16_t, void *, intptr_t, void *)',
  SQLNumResultCols: 'int16_t SQLNumResultCols(void *, void *)',
  SQLDescribeColW: 'int16_t SQLDescribeColW(void *, uint16_t, void *, int16_t, void *, void *, void *, void *, void *)',
  SQLRowCount: 'int16_t SQLRowCount(void *, void *)',
  SQLFetch: 'int16_t SQLFetch(void *)',
  SQLGetData: 'int16_t SQLGetData(void *, uint16_t, int16_t, void *, intptr_t, void *)',
  SQLMoreResults: 'int16_t SQLMoreResults(void *)',
  SQLFreeStmt: 'int16_t SQLFreeStmt(void *, uint16_t)',
  SQLEndTran: 'int16_t SQLEndTran(int16_t, void *, int16_t)',
  SQLCancel: 'int16_t SQLCancel(void *)',
  SQLTablesW: 'int16_t SQLTablesW(void *, void *, int16_t, void *, int16_t, void *, int16_t, void *, int16_t)',
  SQLColumnsW: 'int16_t SQLColumnsW(void *, void *, int16_t, void *, int16_t, void *, int16_t, void *, int16_t)',
  SQLPrimaryKeysW: 'int16_t SQLPrimaryKeysW(void *, void *, int16_t, void *, int16_t, void *, int16_t)',
  SQLForeignKeysW: 'int16_t SQLForeignKeysW(void *, void *, int16_t, void *, int16_t, void *, int16_t, void *, int16_t, void *, int16_t, void *, int16_t)',
  SQLStatisticsW: 'int16_t SQLStatisticsW(void *, void *, int16_t, void *, int16_t, void *, int16_t, uint16_t, uint16_t)',
} as const;

/** The name of a function of the driver manager. */
type OdbcFunction = keyof typeof SIGNATURES;

/** The driver manager of each system: unixODBC, or the one of Windows. */
const LIBRARIES: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  win32: ['odbc32.dll'],
  darwin: ['libodbc.2.dylib', '/opt/homebrew/lib/libodbc.2.dylib', '/usr/local/lib/libodbc.2.dylib'],
};
const ELSEWHERE = ['libodbc.so.2', 'libodbc.so.1', 'libodbc.so'];

export const SUCCESS = 0;
export const SUCCESS_WITH_INFO = 1;
export const NO_DATA = 100;
/** Kinds of handles. */
export const ENVIRONMENT = 1;
export const CONNECTION = 2;
export const STATEMENT = 3;
const INVALID_HANDLE = -2;

/** What a call failed with. */
export class OdbcFailure extends Error {
  readonly diagnosis: Diagnosis;
  constructor(diagnosis: Diagnosis) {
    super(diagnosis.message);
    this.diagnosis = diagnosis;
  }
}

/** Memory outside the heap of JavaScript: it stays where it is while a driver holds its address. */
export interface Memory {
  readonly address: bigint;
  readonly bytes: Buffer;
  free(): void;
}

/** The driver manager, typed. */
export interface DriverManager {
  /** Calls a function that answers at once. */
  call(name: OdbcFunction, ...values: readonly unknown[]): number;
  /** Calls a function that may wait for a server: on a thread of the pool. */
  wait(name: OdbcFunction, ...values: readonly unknown[]): Promise<number>;
  allocateHandle(kind: number, parent: Address): bigint;
  allocate(length: number): Memory;
  /** Throws what the handle tells when a call failed. @throws OdbcFailure. */
  check(code: number, kind: number, handle: Address): void;
}

/** Loads the driver manager. @throws OdbcFailure that says what to install. */
export function loadDriverManager(): DriverManager {
  const koffi = loadKoffi();
  const library = loadLibrary(koffi);
  const functions = new Map<OdbcFunction, NativeFunction>();
  const find = (name: OdbcFunction): NativeFunction => {
    const known = functions.get(name);
    if (known !== undefined) return known;
    const found = library.func(SIGNATURES[name]);
    functions.set(name, found);
    return found;
  };
  const call: DriverManager['call'] = (name, ...values) => find(name)(...values);
  const allocate = (length: number): Memory => {
    const address = koffi.alloc('uint8_t', length);
    return { address, bytes: Buffer.from(koffi.view(address, length)), free: () => koffi.free(address) };
  };
  const spoken = allocate(4096);

  return {
    call,
    allocate,
    wait: (name, ...values) =>
      new Promise((resolve, reject) => {
        find(name).async(...values, (error: Error | null, result: number) => (error === null ? resolve(result) : reject(error)));
      }),
    allocateHandle(kind, parent) {
      const out: (bigint | null)[] = [null];
      const code = call('SQLAllocHandle', kind, parent, out);
      const [handle] = out;
      if (code !== SUCCESS && code !== SUCCESS_WITH_INFO) throw diagnose(call, spoken, kind - 1, parent);
      return handle ?? 0n;
    },
    check(code, kind, handle) {
      if (code === SUCCESS || code === SUCCESS_WITH_INFO || code === NO_DATA) return;
      if (code === INVALID_HANDLE) throw new OdbcFailure({ state: '08003', native: 0, message: 'the connection is not open' });
      throw diagnose(call, spoken, kind, handle);
    },
  };
}

/** State (6 characters), native number (4 bytes), length (2 bytes), then the message: one block for all of them. */
function diagnose(call: DriverManager['call'], { address, bytes }: Memory, kind: number, handle: Address): OdbcFailure {
  const texts: string[] = [];
  let state = '';
  let native = 0;
  for (let record = 1; record <= 4; record += 1) {
    const room = (bytes.length - 32) / 2;
    const code = call('SQLGetDiagRecW', kind, handle, record, address, address + 16n, address + 32n, room - 1, address + 24n);
    if (code !== SUCCESS && code !== SUCCESS_WITH_INFO) break;
    const length = Math.min(bytes.readInt16LE(24), room - 1);
    texts.push(bytes.toString('utf16le', 32, 32 + Math.max(length, 0) * 2).trim());
    if (record > 1) continue;
    state = bytes.toString('utf16le', 0, 10);
    native = bytes.readInt32LE(16);
  }
  // A driver that says nothing has failed all the same.
  return new OdbcFailure({ state: state === '' ? 'HY000' : state, native, message: texts.length === 0 ? 'the driver gives no reason' : texts.join('; ') });
}

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new OdbcFailure({
      state: 'IM004',
      native: 0,
      message: `ODBC needs the package koffi, which is not installed (npm was told to leave optional packages out, or has none for this system): npm install koffi (${why})`,
    });
  }
}

function loadLibrary(koffi: Koffi): ReturnType<Koffi['load']> {
  const names = LIBRARIES[process.platform] ?? ELSEWHERE;
  const reasons: string[] = [];
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new OdbcFailure({
    state: 'IM004',
    native: 0,
    message: `there is no ODBC driver manager on this machine (looked for ${names.join(', ')}); install unixODBC (Debian: apt-get install unixodbc) and the driver of the database (${reasons[0] ?? ''})`,
  });
}
