import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { sqliteApplication } from './application.ts';
import { startBenchHost } from './host.ts';
import { waitedMilliseconds } from './process-usage.ts';
import { connectClient, type Json, type ScimClient } from './scim-client.ts';

/**
 * `npm run bench -- scale [--entries N] [--keep FOLDER]`: what must not grow with the size of a group or of the list. One group has
 * every person as a member. One connection, one request at a time: these are times to answer, not throughput.
 */
const { values } = parseArgs({
  options: { entries: { type: 'string', default: '1000000' }, requests: { type: 'string', default: '600' }, keep: { type: 'string' } },
});
const ENTRIES = Number(values.entries);
const REQUESTS = Number(values.requests);
const KEEP = values.keep === undefined ? undefined : resolve(values.keep);
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const PAGE = 100;
/** At most a thousand people each. */
const DEPARTMENT_SIZE = 1000;
const DEPARTMENTS = Math.ceil(ENTRIES / DEPARTMENT_SIZE);
/** What an equality, a prefix with at most 1,000 matches and a page may take, at the 99th percentile. */
const AIM_MILLISECONDS = 5;
/** Filters that match a good part of the list: reported, without an aim. */
const BROAD = ['title eq "Analyst"', 'userName sw "user1"', 'userName co "77"', 'userName co "no such"', 'active eq true and emails.value ew "9@example.com"'];
const BROAD_REQUESTS = 3;

const DEPARTMENT = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department ';

interface Line {
  readonly what: string;
  /** Of the time to answer without that for which host and client waited for a processor, ms. */
  readonly own: number;
}

/** The time of one request, and what of it was spent waiting for a processor that another program had, ms. */
interface Taken {
  readonly time: number;
  readonly waited: number;
}

const percentile = (times: readonly number[], share: number): number => {
  const sorted = [...times].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
};

function report(what: string, taken: readonly Taken[]): Line {
  const times = taken.map(({ time }) => time);
  const own = percentile(
    taken.map(({ time, waited }) => Math.max(0, time - waited)),
    0.99,
  );
  const text = (value: number): string => value.toFixed(2).padStart(8);
  process.stdout.write(`${what.padEnd(66)}${text(percentile(times, 0.5))}${text(percentile(times, 0.99))}${text(own)}\n`);
  return { what, own };
}

if (KEEP !== undefined) mkdirSync(KEEP, { recursive: true });
const isKept = KEEP !== undefined && existsSync(join(KEEP, 'data'));
const application = await sqliteApplication(ENTRIES, { everybody: true, departments: DEPARTMENTS, keep: KEEP });
// Departments are looked up by: their matches are the many that an index still finds.
const configuration = application.configuration
  .replace('resourceType: User\n', 'resourceType: User\n        queryable: [department]\n')
  // Filters without an index are refused over so many entries, unless somebody wants them.
  .replace('    package: sql\n', `    package: sql\n    limits: { scanEntries: ${2 * ENTRIES} }\n`);
const host = await startBenchHost({ ...application, configuration }, KEEP);
const clients: ScimClient[] = [];

/** The clock stops when the whole answer is here; reading it is the client's own work. */
async function take(act: () => Promise<string>): Promise<Taken & { readonly answer: string }> {
  const waits = (): number => host.waitedMilliseconds() + waitedMilliseconds(process.pid);
  const before = waits();
  const started = performance.now();
  const answer = await act();
  const time = performance.now() - started;
  return { time, waited: waits() - before, answer };
}

async function time(what: string, act: (index: number) => Promise<string>, requests = REQUESTS, before = Math.ceil(REQUESTS / 3)): Promise<Line> {
  const taken: Taken[] = [];
  for (let index = 0; index < before; index += 1) await act(index);
  for (let index = before; index < requests + before; index += 1) {
    const { answer, ...one } = await take(() => act(index));
    check(what, answer);
    taken.push(one);
  }
  return report(what, taken);
}

/** An answer that is not what it should be is no answer, however fast. */
function check(what: string, answer: string): void {
  const body = answer === '' ? {} : (JSON.parse(answer) as Json);
  const resources = body['Resources'] as readonly Json[] | undefined;
  if (resources === undefined || what.includes('no such')) return;
  const isPage = what.includes(`page of ${PAGE}`) || what.includes('all of them');
  if (isPage ? resources.length !== Math.min(PAGE, ENTRIES) : resources.length === 0) throw new Error(`${what}: ${resources.length} resources in an answer`);
}

try {
  const started = performance.now();
  if (!isKept) {
    await host.cli('run', 'hr', 'full');
    process.stdout.write(`${ENTRIES} people and a group of all of them imported in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  }
  const client = connectClient(host, '/scim/hr', await host.createToken(), 1);
  clients.push(client);
  const get = (path: string): Promise<string> => client.send('GET', path);
  const find = (endpoint: string, filter: string, more = ''): Promise<string> => get(`/${endpoint}?filter=${encodeURIComponent(filter)}${more}`);
  const idOf = (answer: string): string => String(((JSON.parse(answer) as Json)['Resources'] as readonly Json[])[0]?.['id']);
  const everybody = idOf(await find('Groups', 'displayName eq "Everybody"', '&excludedAttributes=members'));
  const small = idOf(await find('Groups', 'displayName eq "Team 3"', '&excludedAttributes=members'));
  const person = (index: number): number => 1 + ((index * 7919) % ENTRIES);
  // Three digits: no other department begins like it.
  const department = (index: number): number => (DEPARTMENTS < 1000 ? index % DEPARTMENTS : 100 + (index % 900));
  const people: string[] = [];
  for (let index = 0; index < 400; index += 1) people.push(idOf(await find('Users', `userName eq "user${person(index)}"`, '&attributes=id')));

  process.stdout.write(`${'milliseconds to answer'.padEnd(66)}     p50     p99     own (p99 without waiting for a processor that other programs had)\n`);
  const aimed = [
    await time('userName eq', (index) => find('Users', `userName eq "user${person(index)}"`)),
    await time('emails.value eq', (index) => find('Users', `emails.value eq "USER${person(index)}@example.com"`)),
    await time(`department eq, ${Math.min(ENTRIES, DEPARTMENT_SIZE)} matches, page of ${PAGE}`, (index) =>
      find('Users', `${DEPARTMENT}eq "department ${department(index)}"`, `&count=${PAGE}`),
    ),
    await time('userName sw, a hundred matches, all of them', (index) => find('Users', `userName sw "user${1000 + (index % 900)}"`, `&count=${PAGE}`)),
    await time(`department sw, ${Math.min(ENTRIES, DEPARTMENT_SIZE)} matches, page of ${PAGE}`, (index) =>
      find('Users', `${DEPARTMENT}sw "Department ${department(index)}"`, `&count=${PAGE}`),
    ),
  ];
  // Every page of the list, from the first to the last, as a client that reads all of it does.
  const walked: Taken[] = [];
  for (let cursor: unknown = ''; typeof cursor === 'string'; ) {
    const at: string = cursor;
    const { answer, ...one } = await take(() => get(`/Users?count=${PAGE}&cursor=${at}`));
    walked.push(one);
    cursor = (JSON.parse(answer) as Json)['nextCursor'];
  }
  process.stdout.write(`the list has ${walked.length} pages\n`);
  aimed.push(report(`page of ${PAGE} by cursor, every one of the list`, walked));
  const deep = (index: number): number => 1 + ((index * 7919 * PAGE) % ENTRIES);
  await time(`page of ${PAGE} by index, anywhere in the list`, (index) => get(`/Users?count=${PAGE}&startIndex=${deep(index)}`));
  await time(`page of ${PAGE} of the members, by cursor`, () => find('Users', `groups.value eq "${everybody}"`, `&count=${PAGE}&attributes=userName&cursor=`));
  await time('group of 500 members without them', () => get(`/Groups/${small}?excludedAttributes=members`));
  await time('group of everybody without them', () => get(`/Groups/${everybody}?excludedAttributes=members`));
  await time('group of everybody, as it is answered unasked', () => get(`/Groups/${everybody}`));
  await time('is somebody a member of the group of everybody', (index) =>
    find('Groups', `id eq "${everybody}" and members eq "${people[index % people.length]}"`, '&attributes=id'),
  );
  await time('list of groups with the large one', () => get('/Groups?count=10&excludedAttributes=members'));
  // Each of them changes something: the people are not in the small group at first, and are in the one of everybody.
  for (const [name, group, first, then] of [
    ['group of 500 members', small, 'add', 'remove'],
    ['group of everybody', everybody, 'remove', 'add'],
  ] as const) {
    const change = (op: 'add' | 'remove') => (index: number) =>
      client.send('PATCH', `/Groups/${group}`, {
        schemas: [PATCH],
        Operations: [
          op === 'add'
            ? { op, path: 'members', value: [{ value: people[index % people.length] }] }
            : { op, path: `members[value eq "${people[index % people.length] ?? ''}"]` },
        ],
      });
    const WORDS = { add: 'added', remove: 'removed' } as const;
    for (const op of [first, then]) await time(`${name}: a member ${WORDS[op]}`, change(op), 80, 20);
  }
  for (const filter of BROAD) await time(`${filter}, page of ${PAGE}`, () => find('Users', filter, `&count=${PAGE}`), BROAD_REQUESTS, 0);
  process.stdout.write(`peak memory of the host ${Math.round(host.peakMegabytes())} MiB\n`);
  const slow = aimed.filter((line) => line.own > AIM_MILLISECONDS);
  process.stdout.write(
    slow.length === 0
      ? `eq, sw and a page by cursor: own p99 at most ${AIM_MILLISECONDS} ms\n`
      : `own p99 over ${AIM_MILLISECONDS} ms: ${slow.map((line) => line.what).join(', ')}\n`,
  );
} finally {
  for (const client of clients) await client.close();
  await host.stop();
  await application.stop();
}
