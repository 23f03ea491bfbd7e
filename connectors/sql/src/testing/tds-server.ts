import { createServer, type Server, type Socket } from 'node:net';
import { type ServerIdentity, startTls } from './tds-tls.ts';
import {
  columnsToken,
  createPacketReader,
  doneToken,
  errorToken,
  loginToken,
  packetsOf,
  packetTypes,
  preloginAnswer,
  readBatch,
  readCall,
  readLogin,
  rowToken,
  type TdsColumn,
  type TdsError,
  type TdsLogin,
  type TdsParameter,
  type TdsValue,
  transactionToken,
} from './tds-wire.ts';

/** One result of a statement: rows, or the number of rows that it changed. */
export interface TdsResult {
  readonly columns?: readonly TdsColumn[];
  readonly rows?: Iterable<readonly TdsValue[]>;
  readonly count?: number;
  /** What became of the transaction. */
  readonly transaction?: 'begin' | 'commit' | 'rollback';
  readonly error?: TdsError;
}

/** What a client asks for. */
export interface TdsStatement {
  readonly sql: string;
  /** How sp_executesql is told of the values: `@p1 nvarchar(4000), …`. */
  readonly declarations: string;
  readonly parameters: readonly TdsParameter[];
}

/** What answers statements on one connection. */
export interface TdsSession {
  run(statement: TdsStatement): Promise<readonly TdsResult[]>;
  close(): void;
}

/** The fixture of a SQL Server: the protocol without its engine. */
export interface TdsServer {
  readonly port: number;
  /** Every statement that arrived. */
  readonly statements: TdsStatement[];
  /** How many connections are open. */
  connections(): number;
  /** Cuts all connections. */
  cut(): void;
  stop(): Promise<void>;
}

type Open = (login: TdsLogin) => TdsSession | TdsError;

/** Starts a server on loopback. `open` is called for each login, and may refuse it. With an identity everything is encrypted. */
export async function startTdsServer(open: Open, identity?: ServerIdentity): Promise<TdsServer> {
  const sockets = new Set<Socket>();
  const statements: TdsStatement[] = [];
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay();
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket, open, statements, identity);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    statements,
    connections: () => sockets.size,
    cut,
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** What the driver says by itself after the login. */
const GREETING = /^set (ansi|textsize|concat|arithabort|datefirst|dateformat|language|quoted|implicit|numeric|transaction isolation level read committed)/i;

function serve(raw: Socket, open: Open, statements: TdsStatement[], identity: ServerIdentity | undefined): void {
  // What is read and written: the connection itself, or TLS on it.
  let socket: Socket = raw;
  let session: TdsSession | undefined;
  let descriptors = 0n;
  let turn = Promise.resolve();
  let isStopped = false;
  raw.on('close', () => session?.close());

  function logIn(message: Buffer): void {
    const opened = open(readLogin(message));
    if ('run' in opened) {
      session = opened;
      socket.write(packetsOf(packetTypes.answer, Buffer.concat([loginToken(), doneToken('done')]), true));
    } else {
      socket.end(packetsOf(packetTypes.answer, Buffer.concat([errorToken(opened), doneToken('done', { failed: true })]), true));
    }
  }

  async function run(statement: TdsStatement, isCall: boolean): Promise<void> {
    isStopped = false;
    if (!isCall && GREETING.test(statement.sql.trim())) return void socket.write(packetsOf(packetTypes.answer, doneToken('done'), true));
    statements.push(statement);
    const results = (await session?.run(statement)) ?? [];
    if (socket.destroyed) return;
    const part = isCall ? 'doneInProc' : 'done';
    for (const [index, result] of results.entries()) {
      const isLast = !isCall && index === results.length - 1;
      await writeResult(result, part, isLast);
      if (!isStopped) continue;
      isStopped = false;
      return void socket.write(packetsOf(packetTypes.answer, doneToken('done', { attention: true }), true));
    }
    if (isCall || results.length === 0)
      socket.write(packetsOf(packetTypes.answer, doneToken(isCall ? 'doneProc' : 'done', { failed: results.some((one) => one.error !== undefined) }), true));
  }

  async function writeResult(result: TdsResult, part: 'done' | 'doneInProc', isLast: boolean): Promise<void> {
    const { columns, rows = [], transaction, error } = result;
    let count = result.count;
    let tokens: Buffer[] = [];
    const flush = async (last: boolean): Promise<void> => {
      const isTaken = socket.write(packetsOf(packetTypes.answer, Buffer.concat(tokens), last));
      tokens = [];
      // Back-pressure: nothing more is made before the client has taken this.
      if (!isTaken && !socket.destroyed) await new Promise<void>((resolve) => void socket.once('drain', resolve).once('close', () => resolve()));
    };
    if (transaction !== undefined) {
      if (transaction === 'begin') descriptors += 1n;
      const descriptor = Buffer.alloc(8);
      descriptor.writeBigUInt64LE(descriptors);
      tokens.push(transactionToken(transaction, descriptor));
    }
    if (error !== undefined) tokens.push(errorToken(error));
    if (columns !== undefined) {
      tokens.push(columnsToken(columns));
      let size = 0;
      let sent = 0;
      for (const row of rows) {
        if (isStopped || socket.destroyed) return;
        const token = rowToken(columns, row);
        tokens.push(token);
        size += token.length;
        sent += 1;
        if (size < 32_000) continue;
        await flush(false);
        size = 0;
      }
      count ??= sent;
    }
    tokens.push(doneToken(part, { more: !isLast, failed: error !== undefined, ...(count === undefined ? {} : { count }) }));
    await flush(isLast);
  }

  const receive = (): ((data: Buffer) => void) =>
    createPacketReader((type, message) => {
      if (type === packetTypes.prelogin) answerPrelogin();
      else if (type === packetTypes.login) logIn(message);
      else if (type === packetTypes.attention) stopStatement();
      else {
        const statement = type === packetTypes.rpc ? readCall(message) : { sql: readBatch(message), declarations: '', parameters: [] };
        turn = turn.then(() => run(statement, type === packetTypes.rpc)).catch(() => void raw.destroy());
      }
    });
  socket.on('data', receive());

  function answerPrelogin(): void {
    socket.write(packetsOf(packetTypes.answer, preloginAnswer(identity === undefined ? 2 : 1), true));
    if (identity === undefined) return;
    startTls(raw, identity, (secure) => {
      socket = secure;
      socket.on('data', receive());
    });
  }

  /** A statement that is still at work hears of it at its next row; one that waits is answered here. */
  function stopStatement(): void {
    isStopped = true;
    turn = turn.then(() => {
      if (isStopped && !socket.destroyed) socket.write(packetsOf(packetTypes.answer, doneToken('done', { attention: true }), true));
      isStopped = false;
    });
  }
}
