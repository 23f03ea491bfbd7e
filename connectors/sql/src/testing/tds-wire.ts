/**
 * As much of the Tabular Data Stream 7.4 (MS-TDS) as a fixture of SQL Server needs: what a client sends, read; what a server answers,
 * written. Numbers in the comments are its sections.
 */

export const packetTypes = { batch: 0x01, rpc: 0x03, answer: 0x04, attention: 0x06, login: 0x10, prelogin: 0x12 } as const;

/** A type of a result column. */
export type TdsType =
  | 'nvarchar'
  | 'nvarchar(max)'
  | 'varchar'
  | 'tinyint'
  | 'smallint'
  | 'int'
  | 'bigint'
  | 'bit'
  | 'varbinary(max)'
  | 'uniqueidentifier'
  | 'float'
  | 'decimal';

/** A value of a result; whole numbers as bigint, bytes as such, GUIDs as text. */
export type TdsValue = string | number | bigint | boolean | Uint8Array | null;

const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);

function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le');
}

/** A text with a length of one byte, in characters. */
function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), ucs2(text)]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** A long value in one piece (2.2.5.2.3): its length, the piece with its own, and the end. */
function partly(bytes: Buffer): Buffer {
  return Buffer.concat([int64(BigInt(bytes.length)), ...(bytes.length === 0 ? [] : [uint32(bytes.length), bytes]), uint32(0)]);
}

const NO_PARTS = Buffer.alloc(8, 0xff);
const NO_LENGTH = Buffer.from([0xff, 0xff]);

interface Encoding {
  /** TYPE_INFO (2.2.5.6). */
  readonly info: Buffer;
  value(value: Exclude<TdsValue, null>): Buffer;
  readonly none: Buffer;
}

function wholeNumber(size: 1 | 2 | 4 | 8): Encoding {
  return {
    info: Buffer.from([0x26, size]),
    value: (value) => Buffer.concat([Buffer.from([size]), int64(BigInt(value as bigint)).subarray(0, size)]),
    none: Buffer.from([0]),
  };
}

/** A GUID (2.2.5.5.1.8 by its type in Windows): the first three groups are numbers. */
function guid(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('-', ''), 'hex');
  return Buffer.concat([bytes.subarray(0, 4).reverse(), bytes.subarray(4, 6).reverse(), bytes.subarray(6, 8).reverse(), bytes.subarray(8)]);
}

const encodings: Readonly<Record<TdsType, Encoding>> = {
  nvarchar: {
    info: Buffer.concat([Buffer.from([0xe7, 0x40, 0x1f]), COLLATION]),
    value: (value) => Buffer.concat([uint16(String(value).length * 2), ucs2(String(value))]),
    none: NO_LENGTH,
  },
  'nvarchar(max)': {
    info: Buffer.concat([Buffer.from([0xe7, 0xff, 0xff]), COLLATION]),
    value: (value) => partly(ucs2(String(value))),
    none: NO_PARTS,
  },
  // Code page 1252 by the collation above.
  varchar: {
    info: Buffer.concat([Buffer.from([0xa7, 0x40, 0x1f]), COLLATION]),
    value: (value) => Buffer.concat([uint16(String(value).length), Buffer.from(String(value), 'latin1')]),
    none: NO_LENGTH,
  },
  tinyint: wholeNumber(1),
  smallint: wholeNumber(2),
  int: wholeNumber(4),
  bigint: wholeNumber(8),
  bit: { info: Buffer.from([0x68, 1]), value: (value) => Buffer.from([1, Number(value)]), none: Buffer.from([0]) },
  'varbinary(max)': { info: Buffer.from([0xa5, 0xff, 0xff]), value: (value) => partly(Buffer.from(value as Uint8Array)), none: NO_PARTS },
  uniqueidentifier: {
    info: Buffer.from([0x24, 16]),
    value: (value) => Buffer.concat([Buffer.from([16]), guid(String(value))]),
    none: Buffer.from([0]),
  },
  float: {
    info: Buffer.from([0x6d, 8]),
    value(value) {
      const bytes = Buffer.alloc(9, 8);
      bytes.writeDoubleLE(Number(value), 1);
      return bytes;
    },
    none: Buffer.from([0]),
  },
  // Of four digits after the point; the value is in units of these.
  decimal: {
    info: Buffer.from([0x6a, 9, 19, 4]),
    value(value) {
      const units = BigInt(value as bigint);
      return Buffer.concat([Buffer.from([9, units < 0n ? 0 : 1]), int64(units < 0n ? -units : units)]);
    },
    none: Buffer.from([0]),
  },
};

export interface TdsColumn {
  readonly name: string;
  readonly type: TdsType;
}

/** COLMETADATA (2.2.7.4). */
export function columnsToken(columns: readonly TdsColumn[]): Buffer {
  const parts = columns.flatMap(({ name, type }) => [uint32(0), uint16(9), encodings[type].info, shortText(name)]);
  return Buffer.concat([Buffer.from([0x81]), uint16(columns.length), ...parts]);
}

/** ROW (2.2.7.19). */
export function rowToken(columns: readonly TdsColumn[], row: readonly TdsValue[]): Buffer {
  const values = columns.map(({ type }, index) => {
    const value = row[index] ?? null;
    return value === null ? encodings[type].none : encodings[type].value(value);
  });
  return Buffer.concat([Buffer.from([0xd1]), ...values]);
}

/** DONE, DONEPROC and DONEINPROC (2.2.7.6 to 2.2.7.8). */
export function doneToken(
  kind: 'done' | 'doneProc' | 'doneInProc',
  end: { readonly more?: boolean; readonly failed?: boolean; readonly attention?: boolean; readonly count?: number } = {},
): Buffer {
  const status = (end.more ? 1 : 0) | (end.failed ? 2 : 0) | (end.count === undefined ? 0 : 0x10) | (end.attention ? 0x20 : 0);
  return Buffer.concat([Buffer.from([{ done: 0xfd, doneProc: 0xfe, doneInProc: 0xff }[kind]]), uint16(status), uint16(0), int64(BigInt(end.count ?? 0))]);
}

export interface TdsError {
  readonly number: number;
  readonly message: string;
  readonly state?: number;
  readonly class?: number;
}

/** ERROR (2.2.7.10). */
export function errorToken({ number, message, state = 1, class: severity = 16 }: TdsError): Buffer {
  const body = Buffer.concat([
    uint32(number),
    Buffer.from([state, severity]),
    uint16(message.length),
    ucs2(message),
    shortText('fixture'),
    shortText(''),
    uint32(1),
  ]);
  return Buffer.concat([Buffer.from([0xaa]), uint16(body.length), body]);
}

/** ENVCHANGE (2.2.7.9) of a transaction: 8 begins, 9 commits, 10 rolls back; the descriptor is what requests then carry. */
export function transactionToken(kind: 'begin' | 'commit' | 'rollback', descriptor: Buffer): Buffer {
  const long = Buffer.concat([Buffer.from([descriptor.length]), descriptor]);
  const [now, before] = kind === 'begin' ? [long, Buffer.from([0])] : [Buffer.from([0]), long];
  const body = Buffer.concat([Buffer.from([{ begin: 8, commit: 9, rollback: 10 }[kind]]), now, before]);
  return Buffer.concat([Buffer.from([0xe3]), uint16(body.length), body]);
}

/** LOGINACK (2.2.7.14) for version 7.4. */
export function loginToken(): Buffer {
  const body = Buffer.concat([Buffer.from([1, 0x74, 0, 0, 4]), shortText('Fixture'), Buffer.from([16, 0, 0, 1])]);
  return Buffer.concat([Buffer.from([0xad]), uint16(body.length), body]);
}

/** The answer to PRELOGIN (2.2.6.5): version 16, and 1 for encryption, 2 for none of it. */
export function preloginAnswer(encryption: 1 | 2): Buffer {
  return Buffer.from([0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 1, 0, 0, encryption]);
}

/** A message in packets (2.2.3.1); `last` says that no more of it follows. */
export function packetsOf(type: number, message: Buffer, last: boolean, size = 4096): Buffer {
  const packets: Buffer[] = [];
  for (let at = 0; at === 0 || at < message.length; at += size - 8) {
    const body = message.subarray(at, at + size - 8);
    const header = Buffer.from([type, last && at + body.length >= message.length ? 1 : 0, 0, 0, 0, 0, 1, 0]);
    header.writeUInt16BE(body.length + 8, 2);
    packets.push(header, body);
  }
  return Buffer.concat(packets);
}

/** Collects packets to messages. */
export function createPacketReader(onMessage: (type: number, message: Buffer) => void): (data: Buffer) => void {
  let received = Buffer.alloc(0);
  let parts: Buffer[] = [];
  return (data) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 8 && received.length >= received.readUInt16BE(2)) {
      const length = received.readUInt16BE(2);
      const [type = 0, status = 0] = received;
      parts.push(received.subarray(8, length));
      received = received.subarray(length);
      if ((status & 1) === 0) continue;
      const message = Buffer.concat(parts);
      parts = [];
      onMessage(type, message);
    }
  };
}

export interface TdsLogin {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly language: string;
}

/** LOGIN7 (2.2.6.4): offsets and lengths of texts from byte 36 on. */
export function readLogin(message: Buffer): TdsLogin {
  const bytesAt = (at: number): Buffer => {
    const start = message.readUInt16LE(at);
    return message.subarray(start, start + message.readUInt16LE(at + 2) * 2);
  };
  const plain = (at: number): string => bytesAt(at).toString('utf16le');
  // Each byte of the password: XOR A5, and its halves exchanged.
  const password = Buffer.from(bytesAt(44).map((byte) => (((byte ^ 0xa5) << 4) & 0xf0) | ((byte ^ 0xa5) >> 4)));
  return { user: plain(40), password: password.toString('utf16le'), database: plain(68), language: plain(64) };
}

/** A parameter of a call: its name, its declaration in TYPE_INFO, its value. */
export interface TdsParameter {
  readonly name: string;
  readonly type: 'nvarchar' | 'bigint' | 'bit' | 'varbinary';
  readonly value: TdsValue;
}

/** The text of a batch (2.2.6.7), after ALL_HEADERS. */
export function readBatch(message: Buffer): string {
  return message.subarray(message.readUInt32LE(0)).toString('utf16le');
}

const EXECUTE_SQL = 10;

/** A call of sp_executesql (2.2.6.6): the statement, and the values it is given. */
export function readCall(message: Buffer): { readonly sql: string; readonly declarations: string; readonly parameters: readonly TdsParameter[] } {
  let at = message.readUInt32LE(0);
  if (message.readUInt16LE(at) !== 0xffff || message.readUInt16LE(at + 2) !== EXECUTE_SQL)
    throw new Error('the fixture knows no other call than sp_executesql');
  at += 6;
  const parameters: TdsParameter[] = [];
  while (at < message.length) {
    const length = message[at] ?? 0;
    const name = message.subarray(at + 1, at + 1 + length * 2).toString('utf16le');
    const read = readValue(message, at + 2 + length * 2);
    parameters.push({ name, type: read.type, value: read.value });
    at = read.end;
  }
  const [statement, declarations, ...rest] = parameters;
  return { sql: String(statement?.value), declarations: String(declarations?.value ?? ''), parameters: rest };
}

interface ReadValue {
  readonly type: TdsParameter['type'];
  readonly value: TdsValue;
  readonly end: number;
}

function readValue(message: Buffer, start: number): ReadValue {
  const id = message[start];
  if (id === 0x26 || id === 0x68) {
    const length = message[start + 2] ?? 0;
    const bytes = message.subarray(start + 3, start + 3 + length);
    const end = start + 3 + length;
    if (id === 0x68) return { type: 'bit', value: length === 0 ? null : bytes[0] === 1, end };
    return { type: 'bigint', value: length === 0 ? null : length === 8 ? bytes.readBigInt64LE() : BigInt(bytes.readIntLE(0, length)), end };
  }
  if (id !== 0xe7 && id !== 0xa5) throw new Error(`the fixture knows no type ${id}`);
  const type = id === 0xe7 ? 'nvarchar' : 'varbinary';
  const { bytes, end } = readBytes(message, start + (id === 0xe7 ? 8 : 3), message.readUInt16LE(start + 1) === 0xffff);
  return { type, value: bytes === undefined ? null : type === 'nvarchar' ? bytes.toString('utf16le') : bytes, end };
}

function readBytes(message: Buffer, start: number, isLong: boolean): { readonly bytes: Buffer | undefined; readonly end: number } {
  if (!isLong) {
    const length = message.readUInt16LE(start);
    return length === 0xffff ? { bytes: undefined, end: start + 2 } : { bytes: message.subarray(start + 2, start + 2 + length), end: start + 2 + length };
  }
  if (message.readBigUInt64LE(start) === 0xffff_ffff_ffff_ffffn) return { bytes: undefined, end: start + 8 };
  const parts: Buffer[] = [];
  let at = start + 8;
  for (let length = message.readUInt32LE(at); length > 0; length = message.readUInt32LE(at)) {
    parts.push(message.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { bytes: Buffer.concat(parts), end: at + 4 };
}
