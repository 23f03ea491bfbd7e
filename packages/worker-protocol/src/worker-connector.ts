import {
  type BatchSession,
  type Capabilities,
  type Connector,
  type ConnectorContext,
  ConnectorError,
  connectorErrors,
  defaultCapabilities,
  defineConnector,
  type EntryChange,
  type EntryResult,
  type ExportSession,
  type HierarchyNode,
  type ImportSession,
  type ParameterDefinition,
  type ParameterPage,
  type ParameterProblem,
  type Parameters,
  type Partition,
  type PasswordSession,
  type Schema,
  type SchemaAttribute,
  type TestResult,
  toConnectorError,
} from '@landbridge/connector-sdk';
import { openImportSession } from './import-session.ts';
import {
  type AttributesByType,
  attributesByType,
  readAttributes,
  readWireEntry,
  type WireAttributes,
  type WireEntry,
  writeChange,
  writeIdentity,
} from './wire-values.ts';
import { readWireError, type WireErrorData } from './worker-errors.ts';
import { openWorker, type WorkerProcess, type WorkerProgram } from './worker-process.ts';

/** What parameters are wanted for: those of partitions and run steps depend on it. */
export interface ParameterUse {
  readonly partition?: Partition;
  readonly step?: 'full-import' | 'delta-import' | 'export';
}

/** What makes a connector of a worker. */
export interface WorkerConnectorOptions {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Parameters of the worker itself: which program, which package. They are asked on the page `connectivity`. */
  readonly ownParameters: readonly ParameterDefinition[];
  /** Finds or makes what is to be started. @throws ConnectorError `invalid-configuration` with what to do. */
  program(context: ConnectorContext): Promise<WorkerProgram>;
  /** The connector's own parameters, all pages in one, for a question, a partition or a step. */
  connectorParameters(parameters: Parameters, use: ParameterUse): Parameters;
  /** Capabilities that only the operator can know (R18). */
  declared?(context: ConnectorContext): Partial<Capabilities>;
}

interface WireResult {
  readonly id: string;
  readonly error?: WireErrorData;
  readonly anchor?: WireAttributes;
  readonly attributes?: WireAttributes;
  readonly dn?: string;
}

interface WireResults {
  readonly results: readonly WireResult[];
}

const SECRET = /pass|secret|token|key|pwd|credential|connection/i;
const BACK_OFF_MILLISECONDS = [0, 0, 200, 1000, 3000, 10_000] as const;
const ALIVE_MILLISECONDS = 60_000;
/** How long what is to be started counts as known. */
const PROGRAM_MILLISECONDS = 2000;
/** How long the worker of an import waits for the next one. */
const IDLE_MILLISECONDS = 15_000;
/** How long a call that was given up may still take before its process is ended. */
const GRACE_MILLISECONDS = 2000;
const PAGES: readonly ParameterPage[] = ['capabilities', 'connectivity', 'schema', 'global'];

/**
 * A connector that lives in a worker. Questions, exports and passwords share one process, which is started with the first call
 * and again after it died; each import has a process of its own, so that writes go on (R22).
 */
export function defineWorkerConnector(options: WorkerConnectorOptions): Connector {
  const keyOf = (context: ConnectorContext, program: WorkerProgram): string => JSON.stringify([program, context.connector, context.folder]);
  const programs = new WeakMap<ConnectorContext, { readonly until: number; readonly program: Promise<WorkerProgram>; key?: string }>();
  const idle = new Map<string, { readonly worker: WorkerProcess; readonly timer: NodeJS.Timeout }>();
  let nextBatch = 1;
  const workers = new Map<string, { readonly started: number; readonly failures: number; readonly worker: Promise<WorkerProcess> }>();

  const ofConnector = ({ parameters }: ConnectorContext, use: ParameterUse = {}): Parameters => options.connectorParameters(parameters, use);
  const redactorOf = (context: ConnectorContext): ((text: string) => string) => redactor(ofConnector(context));

  /** Looked for again after a while only: to see whether files have changed costs as much as a write. */
  async function programOf(context: ConnectorContext): Promise<{ readonly program: WorkerProgram; readonly key: string }> {
    let known = programs.get(context);
    if (known === undefined || known.until < performance.now()) {
      known = { until: performance.now() + PROGRAM_MILLISECONDS, program: options.program(context) };
      programs.set(context, known);
      known.program.catch(() => programs.delete(context));
    }
    const program = await known.program;
    known.key ??= keyOf(context, program);
    return { program, key: known.key };
  }

  async function start(context: ConnectorContext, program: WorkerProgram): Promise<WorkerProcess> {
    return openWorker(program, { connector: context.connector, folder: context.folder, log: context.log, redact: redactorOf(context) });
  }

  /** The worker for questions and writes of this package. */
  async function sharedWorker(context: ConnectorContext): Promise<WorkerProcess> {
    const { program, key } = await programOf(context);
    const known = workers.get(key);
    const running = await known?.worker.catch(() => undefined);
    if (running?.alive === true) return running;
    if (known !== undefined && workers.get(key) !== known) return sharedWorker(context);
    const failures = known === undefined || performance.now() - known.started > ALIVE_MILLISECONDS ? 0 : known.failures + 1;
    const wait = BACK_OFF_MILLISECONDS[Math.min(failures, BACK_OFF_MILLISECONDS.length - 1)] ?? 0;
    const worker = (wait === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, wait))).then(() => start(context, program));
    workers.set(key, { started: performance.now(), failures, worker });
    return worker;
  }

  /** A worker for one import: one that an import left a moment ago, or a new one. */
  async function importWorker(context: ConnectorContext): Promise<WorkerProcess> {
    const { program, key } = await programOf(context);
    const left = idle.get(key);
    if (left === undefined) return start(context, program);
    idle.delete(key);
    clearTimeout(left.timer);
    return left.worker.alive ? left.worker : start(context, program);
  }

  async function releaseImportWorker(context: ConnectorContext, worker: WorkerProcess, clean: boolean): Promise<void> {
    const { key } = await programOf(context);
    if (!clean || !worker.alive || idle.has(key)) return worker.end();
    const timer = setTimeout(() => {
      idle.delete(key);
      void worker.end();
    }, IDLE_MILLISECONDS).unref();
    idle.set(key, { worker, timer });
  }

  async function ask<Result>(context: ConnectorContext, method: string, params: Readonly<Record<string, unknown>> = {}): Promise<Result> {
    const worker = await sharedWorker(context);
    return worker.call<Result>(method, { ...params, parameters: ofConnector(context) });
  }

  /** As `ask`, for methods that a worker may lack. */
  async function askIfKnown<Result>(
    context: ConnectorContext,
    method: string,
    otherwise: Result,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<Result> {
    try {
      return await ask<Result>(context, method, params);
    } catch (error) {
      if (toConnectorError(error).code === 'not-supported') return otherwise;
      throw error;
    }
  }

  async function capabilities(context: ConnectorContext): Promise<Capabilities> {
    const declared = await ask<Partial<Capabilities>>(context, 'capabilities');
    return { ...defaultCapabilities, ...declared, test: true, watch: false, ...options.declared?.(context) };
  }

  async function validate(context: ConnectorContext, page: ParameterPage, pageNumber: number): Promise<readonly ParameterProblem[]> {
    const { problems } = await askIfKnown<{ readonly problems: readonly ParameterProblem[] }>(context, 'validate', { problems: [] }, { page, pageNumber });
    const redact = redactorOf(context);
    return problems.map((problem) => ({ ...problem, message: redact(problem.message) }));
  }

  return defineConnector({
    name: options.name,
    version: options.version,
    description: options.description,
    capabilities,
    async parameters(page, pageNumber, context) {
      const ours = page === 'connectivity' && pageNumber === 1 ? options.ownParameters : [];
      const { definitions } = await askIfKnown<{ readonly definitions: readonly ParameterDefinition[] }>(
        context,
        'parameters',
        { definitions: [] },
        { page, pageNumber },
      );
      return [...ours, ...definitions];
    },
    validateParameters: (page, pageNumber, context) => validate(context, page, pageNumber),
    schema: (context) => ask<Schema>(context, 'schema'),
    async partitions(context) {
      return (await askIfKnown<{ readonly partitions: readonly Partition[] }>(context, 'partitions', { partitions: [] })).partitions;
    },
    async hierarchy(context, parent) {
      return (await ask<{ readonly nodes: readonly HierarchyNode[] }>(context, 'hierarchy', parent === undefined ? {} : { parent })).nodes;
    },
    async openImport(context, step): Promise<ImportSession> {
      const worker = await importWorker(context);
      const parameters = ofConnector(context, { step: `${step.kind}-import`, ...(step.partition === undefined ? {} : { partition: step.partition }) });
      return openImportSession(worker, step, { parameters, redact: redactorOf(context), release: (used, clean) => releaseImportWorker(context, used, clean) });
    },
    async openExport(context, step): Promise<ExportSession> {
      const { signal, ...rest } = step;
      const worker = await sharedWorker(context);
      const parameters = ofConnector(context, { step: 'export', ...(step.partition === undefined ? {} : { partition: step.partition }) });
      const { session } = await orKilled(worker, signal, worker.call<{ readonly session: number }>('export.open', { parameters, step: rest }));
      return exportSession(worker, session, step.schema, redactorOf(context));
    },
    async exportBatch(context, step, changes): Promise<BatchSession | undefined> {
      const { signal, ...rest } = step;
      const worker = await sharedWorker(context);
      signal.throwIfAborted();
      if (worker.introduction.worker.pipelines !== true) return undefined;
      const parameters = ofConnector(context, { step: 'export', ...(step.partition === undefined ? {} : { partition: step.partition }) });
      const types = attributesByType(step.schema);
      const session = `batch ${nextBatch}`;
      nextBatch += 1;
      const call = <Result>(method: string, params: object): Promise<Result> => orKilled(worker, signal, worker.call<Result>(method, { session, ...params }));
      return worker.together(() => ({
        opened: call<void>('export.open', { parameters, step: rest }),
        results: readResults(call('export.put', { changes: changes.map((change) => writeChange(types, change)) }), types, changes, redactorOf(context)),
        closed: call<void>('export.close', { reason: 'normal' }),
      }));
    },
    async openPassword(context, { partition, signal }): Promise<PasswordSession> {
      const schema = await ask<Schema>(context, 'schema');
      const worker = await sharedWorker(context);
      const { session, security } = await orKilled(
        worker,
        signal,
        worker.call<{ readonly session: number; readonly security: PasswordSession['security'] }>('password.open', {
          parameters: ofConnector(context, partition === undefined ? {} : { partition }),
          schema,
          ...(partition === undefined ? {} : { partition }),
        }),
      );
      const types = attributesByType(schema);
      return {
        security,
        set: (entry, password, passwordOptions) =>
          orKilled(worker, signal, worker.call('password.set', { session, entry: writeIdentity(types, entry), password, options: passwordOptions })),
        change: (entry, oldPassword, newPassword) =>
          orKilled(worker, signal, worker.call('password.change', { session, entry: writeIdentity(types, entry), oldPassword, newPassword })),
        close: () => orKilled(worker, signal, worker.call('password.close', { session })),
      };
    },
    async find(context, request) {
      const { signal, ...rest } = request;
      const worker = await sharedWorker(context);
      const found = await orKilled(
        worker,
        signal,
        worker.call<{ readonly entries: readonly WireEntry[]; readonly truncated?: boolean; readonly unevaluated?: typeof request.filter }>('find', {
          ...rest,
          parameters: ofConnector(context),
        }),
      );
      const types = attributesByType(request.schema);
      const redact = redactorOf(context);
      return {
        entries: found.entries.map((entry) => readWireEntry(types, entry, redact)),
        truncated: found.truncated === true,
        ...(found.unevaluated === undefined ? {} : { unevaluated: found.unevaluated }),
      };
    },
    test,
  });

  /** What a worker can tell of its application: whether it accepts the parameters, and whether it has a schema. */
  async function* test(context: ConnectorContext): AsyncIterable<TestResult> {
    const started = performance.now();
    const took = (): number => Math.round(performance.now() - started);
    const failed = (layer: TestResult['layer'], error: unknown): TestResult => ({
      layer,
      status: 'failed',
      message: toConnectorError(error).message,
      milliseconds: took(),
    });
    try {
      for (const page of PAGES) {
        const [problem] = await validate(context, page, 1);
        if (problem === undefined) continue;
        yield {
          layer: 'authentication',
          status: 'failed',
          message: problem.parameter === '' ? problem.message : `${problem.parameter}: ${problem.message}`,
          milliseconds: took(),
        };
        return;
      }
    } catch (error) {
      yield failed('authentication', error);
      return;
    }
    yield { layer: 'authentication', status: 'passed', message: 'the connector accepts its parameters', milliseconds: took() };
    try {
      const { objectTypes } = await ask<Schema>(context, 'schema');
      yield { layer: 'schema', status: 'passed', message: `object types: ${objectTypes.map((type) => type.name).join(', ')}`, milliseconds: took() };
    } catch (error) {
      yield failed('schema', error);
    }
  }
}

function exportSession(worker: WorkerProcess, session: number, schema: Schema, redact: (text: string) => string): ExportSession {
  const types = attributesByType(schema);
  return {
    put(changes, { signal }) {
      const answer = worker.call<WireResults>('export.put', { session, changes: changes.map((change) => writeChange(types, change)) });
      return readResults(orKilled(worker, signal, answer), types, changes, redact);
    },
    async close(reason) {
      await worker.call('export.close', { session, reason });
    },
  };
}

async function readResults(
  answer: Promise<WireResults>,
  types: AttributesByType,
  changes: readonly EntryChange[],
  redact: (text: string) => string,
): Promise<readonly EntryResult[]> {
  try {
    const { results } = await answer;
    const typeOf = new Map(changes.map((change) => [change.id, types.get(change.objectType) ?? new Map()]));
    return results.map((result) => readResult(result, typeOf.get(result.id) ?? new Map(), redact));
  } catch (thrown) {
    const error = toConnectorError(thrown);
    // R13: a batch that threw is in doubt. Only of a batch of one may an exception be the answer about the entry.
    if (changes.length === 1 || connectorErrors[error.code].class === 'doubt') throw error;
    throw new ConnectorError('unknown', `the connector threw in the middle of a batch of ${changes.length}: ${error.message}`, error.detail);
  }
}

function readResult(result: WireResult, attributes: ReadonlyMap<string, SchemaAttribute>, redact: (text: string) => string): EntryResult {
  return {
    id: result.id,
    ...(result.error === undefined ? {} : { error: readWireError(result.error, redact) }),
    ...(result.anchor === undefined || Object.keys(result.anchor).length === 0 ? {} : { anchor: readAttributes(attributes, result.anchor) }),
    ...(result.attributes === undefined || Object.keys(result.attributes).length === 0 ? {} : { attributes: readAttributes(attributes, result.attributes) }),
    ...(result.dn === undefined ? {} : { dn: result.dn }),
  };
}

/** A call that was given up cannot be interrupted in ECMA2: after a short grace its process is, and only then is the call over (R14). */
async function orKilled<Result>(worker: WorkerProcess, signal: AbortSignal, call: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const giveUp = (): void => {
    timer = setTimeout(() => void worker.kill('a call of it was given up'), GRACE_MILLISECONDS);
  };
  if (signal.aborted) giveUp();
  else signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await call;
  } finally {
    signal.removeEventListener('abort', giveUp);
    clearTimeout(timer);
  }
}

/** Takes the values of parameters that look like secrets out of texts: stacks and prints of a connector may carry them. */
function redactor(parameters: Parameters): (text: string) => string {
  const secrets = Object.entries(parameters)
    .filter(([name, value]) => typeof value === 'string' && value.length >= 4 && SECRET.test(name))
    .map(([, value]) => String(value));
  return (text) => secrets.reduce((result, secret) => result.replaceAll(secret, '[redacted]'), text);
}
