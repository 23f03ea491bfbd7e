import { parseArgs } from 'node:util';
import { sqliteApplication } from './application.ts';
import { startBenchHost } from './host.ts';
import { connectClient, type Json, type ScimClient } from './scim-client.ts';

/**
 * `npm run bench -- scale [--entries N]`: what must not grow with the size of a group or of the list. One group has every person as
 * a member. One connection, one request at a time: these are times to answer, not throughput.
 */
const { values } = parseArgs({ options: { entries: { type: 'string', default: '1000000' }, requests: { type: 'string', default: '300' } } });
const ENTRIES = Number(values.entries);
const REQUESTS = Number(values.requests);
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

interface Line {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
}

async function time(what: string, act: (index: number) => Promise<unknown>, requests = REQUESTS): Promise<Line> {
  const times: number[] = [];
  for (let index = 0; index < 20; index += 1) await act(index);
  for (let index = 20; index < requests + 20; index += 1) {
    const started = performance.now();
    await act(index);
    times.push(performance.now() - started);
  }
  times.sort((left, right) => left - right);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  const line = { what, p50: at(0.5), p99: at(0.99) };
  process.stdout.write(`${what.padEnd(62)} p50 ${line.p50.toFixed(2).padStart(8)} ms   p99 ${line.p99.toFixed(2).padStart(8)} ms\n`);
  return line;
}

const application = await sqliteApplication(ENTRIES, { everybody: true });
const host = await startBenchHost(application);
const clients: ScimClient[] = [];
try {
  const started = performance.now();
  await host.cli('run', 'hr', 'full');
  process.stdout.write(`${ENTRIES} people and a group of all of them imported in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  const client = connectClient(host, '/scim/hr', await host.createToken(), 1);
  clients.push(client);
  const get = async (path: string): Promise<Json> => JSON.parse(await client.send('GET', path)) as Json;
  const find = async (endpoint: string, filter: string, more = ''): Promise<Json> => get(`/${endpoint}?filter=${encodeURIComponent(filter)}${more}`);
  const idOf = (body: Json): string => String((body['Resources'] as readonly Json[])[0]?.['id']);
  const everybody = idOf(await find('Groups', 'displayName eq "Everybody"', '&excludedAttributes=members'));
  const small = idOf(await find('Groups', 'displayName eq "Team 7"', '&excludedAttributes=members'));
  const person = (index: number): number => 1 + ((index * 7919) % ENTRIES);
  const people: string[] = [];
  for (let index = 0; index < 400; index += 1) people.push(idOf(await find('Users', `userName eq "user${person(index)}"`, '&attributes=id')));

  const lines = [
    await time('userName eq', (index) => find('Users', `userName eq "user${person(index)}"`)),
    await time('userName sw, up to 1,000 matches, page of 100', (index) => find('Users', `userName sw "user${1000 + (index % 900)}"`, '&count=100')),
  ];
  const cursors: string[] = [''];
  while (cursors.length < 40) {
    const body = await get(`/Users?count=100&attributes=userName&cursor=${cursors.at(-1) ?? ''}`);
    const next = body['nextCursor'];
    if (typeof next !== 'string') break;
    cursors.push(next);
  }
  lines.push(
    await time('page of 100 by cursor', (index) => get(`/Users?count=100&attributes=userName&cursor=${cursors[index % cursors.length] ?? ''}`)),
    await time('page of 100 of the members, by cursor', () => find('Users', `groups.value eq "${everybody}"`, '&count=100&attributes=userName&cursor=')),
    await time('group of 500 members without them', () => get(`/Groups/${small}?excludedAttributes=members`)),
    await time('group of everybody without them', () => get(`/Groups/${everybody}?excludedAttributes=members`)),
    await time('group of everybody, as it is answered unasked', () => get(`/Groups/${everybody}`)),
    await time('list of groups with the large one', () => get('/Groups?count=10&excludedAttributes=members')),
  );
  // Each of them changes something: the people are not in the small group at first, and are in the one of everybody.
  for (const [name, group, first, then] of [
    ['group of 500 members', small, 'add', 'remove'],
    ['group of everybody', everybody, 'remove', 'add'],
  ] as const) {
    const change = (op: 'add' | 'remove') => (index: number) =>
      client.send('PATCH', `/Groups/${group}`, {
        schemas: [PATCH],
        Operations: [op === 'add' ? { op, path: 'members', value: [{ value: people[index] }] } : { op, path: `members[value eq "${people[index] ?? ''}"]` }],
      });
    const WORDS = { add: 'added', remove: 'removed' } as const;
    for (const op of [first, then]) lines.push(await time(`${name}: a member ${WORDS[op]}`, change(op), 80));
  }
  process.stdout.write(`peak memory of the host ${Math.round(host.peakMegabytes())} MiB\n`);
  const slow = lines.slice(0, 3).filter((line) => line.p99 > 5);
  process.stdout.write(slow.length === 0 ? 'eq, sw and a page by cursor: p99 under 5 ms\n' : `over 5 ms at p99: ${slow.map((line) => line.what).join(', ')}\n`);
} finally {
  for (const client of clients) await client.close();
  await host.stop();
  await application.stop();
}
