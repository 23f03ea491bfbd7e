import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { type BenchApplication, postgresApplication, sqliteApplication } from './application.ts';
import { startBenchHost } from './host.ts';

const { values } = parseArgs({
  options: {
    entries: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '4' },
    system: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const ENTRIES = Number(values.entries);
const SECONDS = Number(values.seconds);
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

interface Line {
  readonly system: string;
  readonly operation: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicroseconds: number;
}

type Send = (method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown) => Promise<Readonly<Record<string, unknown>>>;

/** One operation: does its request and checks the body; what is wrong throws. */
type Operation = (send: Send) => Promise<void>;

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`a wrong answer: ${what}`);
}

let unique = 0;

function operations(ids: readonly string[]): Readonly<Record<string, Operation>> {
  const anyId = (): string => ids[Math.floor(Math.random() * ids.length)] ?? '';
  const anyNumber = (): number => 1 + Math.floor(Math.random() * ENTRIES);
  const total = (body: Readonly<Record<string, unknown>>): number => Number(body['totalResults']);
  return {
    'get by id': async (send) => {
      const id = anyId();
      expect((await send('GET', `/Users/${id}`))['id'] === id, 'get');
    },
    'userName eq': async (send) => {
      const number = anyNumber();
      const body = await send('GET', `/Users?filter=${encodeURIComponent(`userName eq "user${number}"`)}`);
      const [first] = body['Resources'] as readonly Readonly<Record<string, unknown>>[];
      expect(total(body) === 1 && first?.['userName'] === `user${number}`, 'filter');
    },
    'list of 100': async (send) => {
      const body = await send('GET', `/Users?count=100&startIndex=${1 + Math.floor(Math.random() * 1000)}`);
      expect((body['Resources'] as readonly unknown[]).length === 100 && total(body) >= ENTRIES, 'list');
    },
    patch: async (send) => {
      unique += 1;
      const body = await send('PATCH', `/Users/${anyId()}`, { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: `Title ${unique}` }] });
      expect(typeof body['title'] === 'string', 'patch');
    },
    create: async (send) => {
      unique += 1;
      const userName = `bench.${process.pid}.${unique}.${Date.now()}`;
      const body = await send('POST', '/Users', {
        schemas: [USER],
        userName,
        name: { givenName: 'B', familyName: 'Ench' },
        emails: [{ type: 'work', value: `${userName}@x` }],
      });
      expect(body['userName'] === userName, 'create');
    },
  };
}

async function measure(application: BenchApplication): Promise<readonly Line[]> {
  const host = await startBenchHost(application);
  const lines: Line[] = [];
  try {
    host.cli('run', 'hr', 'full');
    const { token } = host;
    for (const connections of [1, 64]) {
      const pool = new Pool(host.url, { connections, connect: { ca: host.ca }, pipelining: 1 });
      const send: Send = async (method, path, body) => {
        const response = await pool.request({
          method,
          path: `/scim/hr${path}`,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        const text = await response.body.text();
        if (response.statusCode >= 300) throw new Error(`${method} ${path} was answered ${response.statusCode}: ${text.slice(0, 200)}`);
        return JSON.parse(text) as Readonly<Record<string, unknown>>;
      };
      const ids: string[] = [];
      for (let start = 1; ids.length < Math.min(ENTRIES, 20_000); start += 1000) {
        const page = (await send('GET', `/Users?count=1000&attributes=id&startIndex=${start}`))['Resources'] as readonly { readonly id: string }[];
        ids.push(...page.map((one) => one.id));
      }
      for (const [name, operation] of Object.entries(operations(ids))) {
        const line = await time(
          application.name,
          name,
          connections,
          () => operation(send),
          () => host.cpuSeconds(),
        );
        lines.push(line);
        if (!values.json)
          process.stdout.write(
            `${line.system.padEnd(9)} ${line.operation.padEnd(12)} ${String(connections).padStart(3)} connections ${String(Math.round(line.perSecond)).padStart(6)}/s  p50 ${line.p50.toFixed(2).padStart(6)} ms  p99 ${line.p99.toFixed(2).padStart(7)} ms  CPU ${String(Math.round(line.cpuMicroseconds)).padStart(5)} µs\n`,
          );
      }
      await pool.close();
    }
  } finally {
    await host.stop();
    await application.stop();
  }
  return lines;
}

async function time(system: string, name: string, connections: number, once: () => Promise<void>, cpu: () => number): Promise<Line> {
  const times: number[] = [];
  const warm = Date.now() + 500;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (Date.now() < warm) await once();
    }),
  );
  const before = cpu();
  const started = performance.now();
  const end = started + SECONDS * 1000;
  const client = async (): Promise<void> => {
    while (performance.now() < end) {
      const at = performance.now();
      await once();
      times.push(performance.now() - at);
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  const seconds = (performance.now() - started) / 1000;
  times.sort((left, right) => left - right);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return {
    system,
    operation: name,
    connections,
    perSecond: times.length / seconds,
    p50: at(0.5),
    p99: at(0.99),
    cpuMicroseconds: ((cpu() - before) / times.length) * 1e6,
  };
}

const makers: Readonly<Record<string, () => Promise<BenchApplication>>> = {
  sqlite: () => sqliteApplication(ENTRIES),
  postgres: () => postgresApplication(ENTRIES),
};
const all: Line[] = [];
for (const [name, make] of Object.entries(makers)) if (values.system === undefined || values.system === name) all.push(...(await measure(await make())));
if (values.json) process.stdout.write(`${JSON.stringify(all)}\n`);
