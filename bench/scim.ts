import { parseArgs } from 'node:util';
import { type BenchApplication, postgresApplication, sqliteApplication } from './application.ts';
import { startConstantServer } from './constant-server.ts';
import { openCreateFloor } from './create-floor.ts';
import { type BenchHost, startBenchHost } from './host.ts';
import { type Load, load } from './load.ts';
import { type Aim, aim, format, printAims } from './report.ts';
import { connectClient, type ScimClient } from './scim-client.ts';
import { operationsOn, type People, readPeople, writeBeside } from './scim-operations.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '5' },
    system: { type: 'string' },
    operations: { type: 'string' },
    connections: { type: 'string', default: '1,64' },
    json: { type: 'boolean', default: false },
  },
});
const ENTRIES = Number(values.entries);
const SECONDS = Number(values.seconds);
const CONNECTIONS = values.connections.split(',').map(Number);
/** Of a hundred requests while reading, one is a write to one of the people who are written. */
const WRITE_EVERY = 100;
const PREFIX = '/scim/hr';
const READS = ['get', 'filter', 'list'] as const;
const WRITES = ['patch', 'create'] as const;
/** CPU of the host for one request at most, microseconds. */
const CPU_AIMS = { get: 80, filter: 80, list: 1000, patch: 250, create: 250 } as const;
type OperationName = keyof typeof CPU_AIMS;
/** `--operations get,patch` measures these alone. */
const chosen = values.operations?.split(',');
const isChosen = (operation: OperationName): boolean => chosen?.includes(operation) ?? true;

interface Line extends Load {
  readonly system: string;
  /** An operation of the host, or its floor. */
  readonly operation: OperationName | `floor of ${OperationName}`;
  readonly connections: number;
}

const print = (line: string): void => {
  if (!values.json) process.stdout.write(`${line}\n`);
};

function record(lines: Line[], line: Line): void {
  lines.push(line);
  const cells = [
    line.system.padEnd(9),
    line.operation.padEnd(16),
    `${String(line.connections).padStart(2)} connections`,
    `${String(Math.round(line.perSecond)).padStart(6)}/s`,
    `p50 ${line.p50.toFixed(2).padStart(6)} ms`,
    `p99 ${line.p99.toFixed(2).padStart(7)} ms`,
    `CPU ${String(Math.round(line.cpuMicroseconds)).padStart(5)} µs`,
  ];
  print(cells.join('  '));
}

/** Each operation at each number of connections, its floor beside it. */
async function measure(application: BenchApplication, lines: Line[]): Promise<void> {
  const host = await startBenchHost(application);
  try {
    await host.cli('run', 'hr', 'full');
    const token = await host.createToken();
    const one = connectClient(host, PREFIX, token, 1);
    const people = await readPeople(one, ENTRIES);
    const lengths = await answerLengths(one, people);
    await one.close();
    for (const connections of CONNECTIONS) {
      await measureReads(application.name, host, token, people, lengths, connections, lines);
      await measureWrites(application, host, token, people, connections, lines);
    }
  } finally {
    await host.stop();
    await application.stop();
  }
}

/** How long the answer of each read is, in bytes: the constant of the floor. */
async function answerLengths(client: ScimClient, people: People): Promise<Readonly<Record<(typeof READS)[number], number>>> {
  const length = async (path: string): Promise<number> => Buffer.byteLength(await client.send('GET', path));
  const middle = Math.ceil(ENTRIES / 2);
  return {
    get: await length(`/Users/${people.ids[middle]}`),
    filter: await length(`/Users?filter=${encodeURIComponent(`userName eq "user${middle}"`)}`),
    list: await length(`/Users?count=100&startIndex=${middle}`),
  };
}

async function measureReads(
  system: string,
  host: BenchHost,
  token: string,
  people: People,
  lengths: Readonly<Record<(typeof READS)[number], number>>,
  connections: number,
  lines: Line[],
): Promise<void> {
  const constants = await startConstantServer();
  const client = connectClient(host, PREFIX, token, connections);
  const constantClient = connectClient(constants, '', token, connections);
  const operations = operationsOn(people);
  const write = writeBeside(people);
  for (const operation of READS.filter(isChosen)) {
    let count = 0;
    const line = await load({ clients: connections, seconds: SECONDS, cpu: host.cpuSeconds }, () => {
      count += 1;
      return count % WRITE_EVERY === 0 ? write(client) : operations[operation](client);
    });
    record(lines, { system, operation, connections, ...line });
    const bytes = lengths[operation];
    const floor = await load({ clients: connections, seconds: SECONDS / 2, cpu: constants.cpuSeconds }, async () => {
      if ((await constantClient.send('GET', `/${bytes}`)).length !== bytes) throw new Error('the constant has another length');
    });
    record(lines, { system, operation: `floor of ${operation}`, connections, ...floor });
  }
  await client.close();
  await constantClient.close();
  await constants.stop();
}

async function measureWrites(application: BenchApplication, host: BenchHost, token: string, people: People, connections: number, lines: Line[]): Promise<void> {
  const client = connectClient(host, PREFIX, token, connections);
  const operations = operationsOn(people);
  for (const operation of WRITES.filter(isChosen)) {
    const line = await load({ clients: connections, seconds: SECONDS, cpu: host.cpuSeconds }, () => operations[operation](client));
    record(lines, { system: application.name, operation, connections, ...line });
  }
  await client.close();
  if (!isChosen('create')) return;
  const floor = await openCreateFloor(application);
  const ownCpu = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  const line = await load({ clients: connections, seconds: SECONDS / 2, cpu: ownCpu }, floor.create);
  record(lines, { system: application.name, operation: 'floor of create', connections, ...line });
  await floor.close();
}

/** JSON.stringify of 100 prebuilt resources: what a list costs when everything is there already, microseconds. */
function measureStringify(): number {
  const resources = Array.from({ length: 100 }, (_, index) => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User', 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'],
    id: `7e0c4f5a-0000-5000-8000-00000000${1000 + index}`,
    userName: `user${index}`,
    name: { givenName: `First${index}`, familyName: `Last${index}` },
    title: 'Analyst',
    emails: [{ type: 'work', primary: true, value: `user${index}@example.com` }],
    active: true,
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
      department: `Department ${index}`,
      manager: { value: `7e0c4f5a-0000-5000-8000-00000000${2000 + index}`, displayName: `user${index}` },
    },
    meta: {
      resourceType: 'User',
      created: '2026-01-01T00:00:00.000Z',
      lastModified: '2026-01-01T00:00:00.000Z',
      location: `https://localhost:8443/scim/hr/Users/${index}`,
      version: 'W/"1"',
    },
  }));
  let bytes = 0;
  const times: number[] = [];
  for (let round = 0; round < 2000; round += 1) {
    const started = performance.now();
    bytes += JSON.stringify(resources).length;
    times.push((performance.now() - started) * 1000);
  }
  if (bytes === 0) throw new Error('nothing was formatted');
  return times.sort((left, right) => left - right)[1000] ?? 0;
}

function aimsOf(lines: readonly Line[]): readonly Aim[] {
  const aims: Aim[] = [];
  for (const line of lines) {
    const floor = lines.find((one) => one.system === line.system && one.connections === line.connections && one.operation === `floor of ${line.operation}`);
    const what = `${line.system}, ${line.connections} connections: ${line.operation}`;
    if (floor !== undefined) aims.push(aim(`${what}, rate to its floor`, line.perSecond / floor.perSecond, 'least', 0.5, '×'));
    const limit = (CPU_AIMS as Readonly<Record<string, number>>)[line.operation];
    if (limit !== undefined) aims.push(aim(`${what}, CPU of the host`, line.cpuMicroseconds, 'most', limit, 'µs'));
  }
  return aims;
}

const makers: Readonly<Record<string, () => Promise<BenchApplication>>> = {
  sqlite: () => sqliteApplication(ENTRIES),
  postgres: () => postgresApplication(ENTRIES),
};
const lines: Line[] = [];
for (const [name, make] of Object.entries(makers)) if (values.system === undefined || values.system === name) await measure(await make(), lines);
const stringifyMicroseconds = measureStringify();
const lists = lines.filter((line) => line.operation === 'list');
print(
  `JSON.stringify of 100 prebuilt resources: ${format(stringifyMicroseconds)} µs; a list takes ${lists.map((line) => format(line.cpuMicroseconds / stringifyMicroseconds)).join(', ')} times that`,
);
const aims = aimsOf(lines);
if (values.json) process.stdout.write(`${JSON.stringify({ entries: ENTRIES, stringifyMicroseconds, lines, aims })}\n`);
else printAims(aims, print);
