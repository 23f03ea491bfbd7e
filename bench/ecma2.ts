import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ConnectorContext, compileSchema, type EntryChange, encodeAttributes } from '@landbridge/connector-sdk';
import { BRIDGE, buildConnector, buildWorker } from '../connectors/ecma2/src/build-worker.ts';
import { connector } from '../connectors/ecma2/src/index.ts';
import { startBenchHost } from './host.ts';
import { aim, format, printAims } from './report.ts';
import { connectClient } from './scim-client.ts';

/**
 * `npm run bench -- ecma2`: imports and exports through the .NET worker beside the same DLL driven by a C# loop without protocol,
 * and a SCIM create through a DLL that costs nothing of its own.
 */
const { values } = parseArgs({
  options: { entries: { type: 'string', default: '200000' }, creates: { type: 'string', default: '500' }, json: { type: 'boolean', default: false } },
});
const ENTRIES = Number(values.entries);
const CREATES = Number(values.creates);
/** Creates before those that count: both runtimes compile what runs often only after a while. Their median is told beside the other. */
const FIRST = 1000;
const BATCH = 100;
const print = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`);
};
const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'landbridge-bench-ecma2-'));
const quiet = (): void => {};

/** The floor: nanoseconds for an entry without protocol. */
async function measureFloor(dll: string): Promise<{ readonly importNanoseconds: number; readonly exportNanoseconds: number }> {
  const { contract } = await buildWorker('mono');
  const program = join(dirname(contract), 'bench-loop.exe');
  execFileSync('mcs', ['-optimize+', `-out:${program}`, `-r:${contract}`, join(BRIDGE, 'testing/BenchLoop.cs')]);
  return JSON.parse(
    execFileSync('mono', [program, dll, String(ENTRIES)], { encoding: 'utf8', env: { ...process.env, MONO_GC_PARAMS: 'nursery-size=32m' } }),
  ) as { importNanoseconds: number; exportNanoseconds: number };
}

/** Reads everything, as typed values and once more encoded, as the engine does. */
async function measureImport(context: ConnectorContext): Promise<{ readonly perSecond: number; readonly bytes: number }> {
  const schema = await connector.schema(context, { signal });
  const type = compileSchema(schema, { dnAsAnchor: false }).get('person');
  const session = await connector.openImport?.(context, { kind: 'full', schema, pageSize: 500, signal });
  if (session === undefined || type === undefined) throw new Error('there is no import');
  let read = 0;
  let bytes = 0;
  const started = performance.now();
  for (let more = true; more; ) {
    const page = await session.readPage({ signal });
    read += page.entries.length;
    const [first] = page.entries;
    if (first !== undefined && bytes === 0) bytes = JSON.stringify(encodeAttributes(type, { ...first.anchor, ...first.attributes })).length;
    more = page.more;
  }
  const seconds = (performance.now() - started) / 1000;
  await session.close('normal');
  if (read !== ENTRIES) throw new Error(`${read} entries came instead of ${ENTRIES}`);
  return { perSecond: read / seconds, bytes };
}

async function measureExport(context: ConnectorContext): Promise<{ readonly perSecond: number; readonly single: number; readonly session: number }> {
  const schema = await connector.schema(context, { signal });
  const change = (id: number): EntryChange => ({
    id: String(id),
    modification: 'add',
    objectType: 'person',
    anchor: { id: `p${id}` },
    changes: [
      { name: 'id', modification: 'add', values: [`p${id}`] },
      { name: 'login', modification: 'add', values: [`user${id}`] },
      ...Array.from({ length: 18 }, (_, index) => ({
        name: `attribute${index}`,
        modification: 'add' as const,
        values: [`abcdefghijklmnopqrstuvwxyz0123456${id}`],
      })),
    ],
  });
  const open = async () =>
    (await connector.openExport?.(context, { kind: 'delta', schema, batchSize: BATCH, signal })) ?? Promise.reject(new Error('there is no export'));
  const session = await open();
  const batches = Array.from({ length: Math.ceil(ENTRIES / 4 / BATCH) }, (_, batch) => batch);
  const started = performance.now();
  for (const batch of batches)
    await session.put(
      Array.from({ length: BATCH }, (_, index) => change(batch * BATCH + index)),
      { signal },
    );
  const seconds = (performance.now() - started) / 1000;
  const single = await median(async (index) => void (await session.put([change(index)], { signal })));
  await session.close('normal');
  const whole = await median(async (index) => {
    const one = await open();
    await one.put([change(index)], { signal });
    await one.close('normal');
  });
  return { perSecond: (batches.length * BATCH) / seconds, single, session: whole };
}

async function median(act: (index: number) => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 1000; index += 1) {
    const started = performance.now();
    await act(index);
    times.push(performance.now() - started);
  }
  return times.sort((left, right) => left - right)[500] ?? Number.NaN;
}

/** The median of SCIM creates, one after the other, by a client over TLS. */
async function measureCreates(directory: string): Promise<{ readonly first: number; readonly warm: number }> {
  const configuration = `version: 1
connectors:
  hr:
    package: ecma2
    parameters: { directory: ${directory}, connectivity: { Entries: 1000 } }
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
`;
  const application = { name: 'ecma2', configuration, environment: {}, stop: () => Promise.resolve() } as unknown as Parameters<typeof startBenchHost>[0];
  const host = await startBenchHost(application);
  try {
    await host.cli('run', 'hr', 'full');
    const client = connectClient(host, '/scim/hr', await host.createToken(), 1);
    const times: number[] = [];
    for (let index = 0; index < FIRST + CREATES; index += 1) {
      const started = performance.now();
      await client.send('POST', '/Users', {
        schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:landbridge:hr:2.0:User'],
        userName: `bench${index}`,
        'urn:ietf:params:scim:schemas:extension:landbridge:hr:2.0:User': { id: `new${index}`, attribute0: 'one' },
      });
      times.push(performance.now() - started);
    }
    await client.close();
    const middle = (some: readonly number[]): number => some.toSorted((left, right) => left - right)[Math.floor(some.length / 2)] ?? Number.NaN;
    return { first: middle(times.slice(0, FIRST)), warm: middle(times.slice(FIRST)) };
  } finally {
    await host.stop();
  }
}

try {
  const dll = await buildConnector('Landbridge.Testing.Bench', [join(BRIDGE, 'testing/BenchConnector.cs')]);
  const own = join(folder, 'own');
  mkdirSync(own);
  const context: ConnectorContext = {
    connector: 'bench',
    parameters: { directory: dirname(dll), isolatedEntries: true, connectivity: { Entries: ENTRIES } },
    folder: own,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  };
  const floor = await measureFloor(dll);
  const imported = await measureImport(context);
  const exported = await measureExport(context);
  const create = await measureCreates(dirname(dll));
  // Two processes at work: what counts for an entry is the time of the slower one beyond the connector's own.
  const overhead = 1e6 / imported.perSecond - floor.importNanoseconds / 1000;
  const exportOverhead = 1e6 / exported.perSecond - floor.exportNanoseconds / 1000;
  print(`import  C# loop ${format(1e9 / floor.importNanoseconds)}/s   through the worker ${format(imported.perSecond)}/s   entries of ${imported.bytes} bytes`);
  print(`export  C# loop ${format(1e9 / floor.exportNanoseconds)}/s   through the worker ${format(exported.perSecond)}/s   in batches of ${BATCH}`);
  print(`export  one change ${format(exported.single * 1000)} µs   open, one change, close ${format(exported.session * 1000)} µs   (medians)`);
  print(`create  ${format(create.warm)} ms (median of ${CREATES} SCIM creates, one after the other; of the ${FIRST} before them ${format(create.first)} ms)`);
  const aims = [
    aim('imported entries of 1 KB a second', imported.perSecond, 'least', 50_000, '/s'),
    aim('overhead of an imported entry', overhead, 'most', 30, 'µs'),
    aim('overhead of an exported entry', exportOverhead, 'most', 30, 'µs'),
    aim('SCIM create through a DLL, median', create.warm, 'most', 2, 'ms'),
  ];
  if (values.json)
    process.stdout.write(
      `${JSON.stringify({ entries: ENTRIES, floor, imported, exported, create, overheadMicroseconds: overhead, exportOverheadMicroseconds: exportOverhead, aims })}\n`,
    );
  else printAims(aims, print);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
