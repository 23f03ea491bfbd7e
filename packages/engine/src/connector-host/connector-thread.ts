import { parentPort, workerData } from 'node:worker_threads';
import {
  type CompiledObjectType,
  type Connector,
  type ConnectorContext,
  ConnectorError,
  type ConnectorErrorData,
  compileSchema,
  type ExportSession,
  encodeAttributes,
  matchesEntry,
  readAnchor,
  type Schema,
  toErrorData,
} from '@landbridge/connector-sdk';
import { reach } from '@landbridge/store';
import { runBatch } from './batch-in-thread.ts';
import type { BatchOutcome, ConnectorDescription, FoundEntries, PutOutcome, Selection } from './connector-handle.ts';
import { describeConnector } from './describe-connector.ts';
import { decodeChanges, decodeIdentity, outcomesOf, typeOf } from './encoded-changes.ts';
import { runImportStep } from './import-in-thread.ts';
import { type ImportType, prepareType } from './prepare-entry.ts';
import { provideSdk } from './provide-sdk.ts';
import { createSecretHider } from './secret-hider.ts';
import type { FromThread, ThreadCall, ThreadData, ThreadEvent, ToThread } from './thread-messages.ts';

/**
 * The connector thread: one connector's code, alone (R1). It loads the package, keeps sessions, turns values into types and
 * back. Whatever the connector throws becomes data of the one error table; nothing else leaves.
 */
const data = workerData as ThreadData;
if (parentPort === null) throw new Error('the connector thread was started as a program');
const port = parentPort;
const { hideSecrets, hideSecretsIn } = createSecretHider(data.parameters, data.secretParameters);
const context: ConnectorContext = { connector: data.connector, parameters: data.parameters, folder: data.folder, log: makeLog() };
const calls = new Map<number, AbortController>();
const sessions = new Map<number, ExportSession>();
let nextSession = 1;
let loading: Promise<Connector> | undefined;
let selected:
  | { readonly schema: Schema; readonly types: ReadonlyMap<string, CompiledObjectType>; readonly imports: ReadonlyMap<string, ImportType> }
  | undefined;

let closing = false;

port.on('message', (message: ToThread) => {
  if ('close' in message) {
    closing = true;
    for (const call of calls.values()) call.abort();
    endWhenIdle();
  } else if ('cancel' in message) calls.get(message.id)?.abort();
  else void answer(message.id, message.request);
});

async function answer(id: number, request: ThreadCall): Promise<void> {
  const controller = new AbortController();
  calls.set(id, controller);
  try {
    if (selected === undefined && data.selection !== undefined) await select(data.selection);
    post({ id, result: await run(request, controller.signal, (event) => post({ id, event })) });
  } catch (error) {
    post({ id, error: redact(toErrorData(error)) });
  } finally {
    calls.delete(id);
    endWhenIdle();
  }
}

/** A thread that ends by itself ends between two statements of its driver; one that is ended from outside may be in the middle of native code. */
function endWhenIdle(): void {
  if (closing && calls.size === 0) process.exit(0);
}

function run(request: ThreadCall, signal: AbortSignal, emit: (event: ThreadEvent) => void): unknown {
  switch (request.call) {
    case 'describe':
      return describe(signal);
    case 'select':
      return select(request.selection);
    case 'open-export':
      return openExport(request, signal);
    case 'export-batch':
      return exportBatch(request, signal);
    case 'put':
      return put(request, signal);
    case 'close-export':
      return closeExport(request);
    case 'import':
      return runImport(request, signal, emit);
    case 'set-password':
      return setPassword(request, signal);
    case 'find':
      return find(request, signal);
    case 'test':
      return test(signal, emit);
  }
}

/** Loads the package once. The module must export `connector`. */
function load(): Promise<Connector> {
  provideSdk();
  loading ??= import(data.module).then((module: { readonly connector?: Connector }) => {
    if (module.connector === undefined || typeof module.connector.schema !== 'function') {
      throw new ConnectorError(
        'invalid-configuration',
        `the package ${data.module} does not export a connector: write "export const connector = defineConnector({…})"`,
      );
    }
    return module.connector;
  });
  return loading;
}

async function describe(signal: AbortSignal): Promise<ConnectorDescription> {
  return describeConnector(await load(), context, signal);
}

async function select(selection: Selection): Promise<void> {
  const connector = await load();
  const { dnAsAnchor } = await connector.capabilities(context);
  const types = compileSchema(selection.schema, { dnAsAnchor });
  const imports = new Map([...types.values()].map((type) => [type.name, prepareType(type, selection.leaveOut?.[type.name])]));
  selected = { schema: selection.schema, types, imports };
}

function selection(): NonNullable<typeof selected> {
  if (selected === undefined) throw new ConnectorError('invalid-configuration', 'no object types are selected');
  return selected;
}

async function openExport(request: Extract<ThreadCall, { call: 'open-export' }>, signal: AbortSignal): Promise<number> {
  const connector = await load();
  if (connector.openExport === undefined) throw new ConnectorError('not-supported', `the connector "${connector.name}" cannot export`);
  const session = await connector.openExport(context, {
    kind: request.kind ?? 'delta',
    schema: selection().schema,
    batchSize: request.batchSize,
    signal,
    ...(request.partition === undefined ? {} : { partition: request.partition }),
  });
  const id = nextSession;
  nextSession += 1;
  sessions.set(id, session);
  return id;
}

async function exportBatch(request: Extract<ThreadCall, { call: 'export-batch' }>, signal: AbortSignal): Promise<BatchOutcome> {
  const { schema, types } = selection();
  const { kind = 'delta', batchSize, partition, changes, callMilliseconds } = request;
  const step = { kind, schema, batchSize, signal, ...(partition === undefined ? {} : { partition }) };
  return runBatch({ connector: await load(), context, step, types, changes, callMilliseconds, redact });
}

async function put(request: Extract<ThreadCall, { call: 'put' }>, signal: AbortSignal): Promise<readonly PutOutcome[]> {
  const session = sessions.get(request.session);
  if (session === undefined) throw new ConnectorError('terminated', 'the export session is not open');
  const { types } = selection();
  const decoded = decodeChanges(types, request.changes);
  const answer = decoded.sent.length === 0 ? Promise.resolve([]) : session.put(decoded.changes, { signal });
  return outcomesOf(types, request.changes, decoded, answer, redact);
}

async function closeExport(request: Extract<ThreadCall, { call: 'close-export' }>): Promise<void> {
  const session = sessions.get(request.session);
  sessions.delete(request.session);
  await session?.close(request.reason);
}

async function runImport(request: Extract<ThreadCall, { call: 'import' }>, signal: AbortSignal, emit: (event: ThreadEvent) => void): Promise<unknown> {
  const { schema, imports } = selection();
  const outcome = await runImportStep({
    connector: await load(),
    context,
    schema,
    types: imports,
    task: request.task,
    port: request.port,
    signal,
    emit,
  });
  return outcome.error === undefined ? outcome : { ...outcome, error: redact(outcome.error) };
}

async function setPassword(request: Extract<ThreadCall, { call: 'set-password' }>, signal: AbortSignal): Promise<void> {
  const connector = await load();
  if (connector.openPassword === undefined) throw new ConnectorError('not-supported', `the connector "${connector.name}" cannot set passwords`);
  const session = await connector.openPassword(context, { signal, ...(request.partition === undefined ? {} : { partition: request.partition }) });
  try {
    if (session.security !== 'secure' && !data.passwordsNotSecure)
      throw new ConnectorError(
        'permission-denied',
        "the password was not sent: the connector's connection to the application is not secure; protect it (TLS), or allow this by passwords: { notSecure: allow } of the connector",
      );
    await session.set(decodeIdentity(selection().types, request.identity), request.password, request.options);
    reach('password-set');
  } finally {
    await session.close();
  }
}

async function find(request: Extract<ThreadCall, { call: 'find' }>, signal: AbortSignal): Promise<FoundEntries> {
  const connector = await load();
  const { schema, types } = selection();
  const type = typeOf(types, request.objectType);
  if (connector.find === undefined) throw new ConnectorError('not-supported', `the connector "${connector.name}" cannot look entries up`);
  const found = await connector.find(context, {
    schema,
    objectType: request.objectType,
    filter: request.filter,
    limit: request.limit,
    signal,
  });
  const rest = found.unevaluated;
  const entries: FoundEntries['entries'][number][] = [];
  for (const entry of found.entries) {
    const attributes = encodeAttributes(type, { ...entry.attributes, ...entry.anchor });
    if (rest !== undefined && !matchesEntry(rest, attributes)) continue;
    const anchor = readAnchor(type, attributes) ?? entry.dn;
    if (anchor === undefined) throw new ConnectorError('invalid-data', 'the application found an entry without an anchor');
    entries.push({ objectType: request.objectType, anchor, attributes, ...(entry.dn === undefined ? {} : { dn: entry.dn }) });
  }
  return { entries, truncated: found.truncated };
}

async function test(signal: AbortSignal, emit: (event: ThreadEvent) => void): Promise<void> {
  const connector = await load();
  if (connector.test === undefined) throw new ConnectorError('not-supported', `the connector "${connector.name}" has no connection test`);
  for await (const result of connector.test(context, { signal })) emit({ kind: 'test', result });
}

/** A secret that a driver echoes must not travel on: neither to a client nor to a log. */
function redact(error: ConnectorErrorData): ConnectorErrorData {
  const { detail, message } = error;
  const shown = hideSecrets(message);
  if (detail?.internal === undefined) return shown === message ? error : { ...error, message: shown };
  return { ...error, message: shown, detail: { ...detail, internal: hideSecrets(detail.internal) } };
}

function makeLog(): ConnectorContext['log'] {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      post({ log: { level, message: hideSecrets(message), fields: hideSecretsIn(fields) } });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function post(message: FromThread): void {
  port.postMessage(message);
}
