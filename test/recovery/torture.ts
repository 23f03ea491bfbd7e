import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { crashPoints } from '@landbridge/store';
import { Client } from 'pg';
import { readNumber, readOptions, refuse } from '../../tools/command-options.ts';
import { startPostgres } from '../backends/postgres.ts';

/**
 * `npm run torture`: kills the host at every named point while clients write and imports run, starts it again, and asks what
 * became of it all. The oracle is what clients were answered, and what the application holds, read by its own client; never
 * the journal. `--store postgres` keeps the host's own state in PostgreSQL. Two planted faults must make it fail, else it proves nothing.
 */
const FAULTS = ['journal-after-call', 'answer-before-commit', 'forget-passwords'];
const { values } = readOptions(
  `
usage: npm run torture [-- OPTIONS]

Kills the host at every named crash point while clients write and imports run, and compares what clients were answered with what the
application holds: nothing may be lost, doubled or half-done, and no password may be in the host's files in clear.

  --short              every point twice instead of 20 times
  --hits N             every point N times
  --point NAME,NAME    only these points: ${crashPoints.join(', ')}
  --store postgres     the host keeps its own state in PostgreSQL (default: sqlite)
  --fault NAME         plants a fault that must be found: ${FAULTS.join(', ')}
  --json               the result as JSON
  --help               this text
`,
  {
    short: { type: 'boolean', default: false },
    hits: { type: 'string' },
    fault: { type: 'string' },
    point: { type: 'string' },
    json: { type: 'boolean', default: false },
    store: { type: 'string', default: 'sqlite' },
  },
);
if (!['sqlite', 'postgres'].includes(values.store)) refuse(`--store is sqlite or postgres, not "${values.store}"`);
if (values.fault !== undefined && !FAULTS.includes(values.fault)) refuse(`there is no fault "${values.fault}"`);
const wantedPoints = values.point?.split(',') ?? crashPoints;
for (const point of wantedPoints) if (!crashPoints.some((one) => one === point)) refuse(`there is no crash point "${point}"`);
const HITS = readNumber('hits', values.hits ?? (values.short ? '2' : '20'), 1);
const WORKERS = 6;
const IMPORT_POINTS = /^(page|removals|step-end)-/;
const PASSWORD_POINTS = /^password-/;
/** What an earlier crash left in doubt is settled at the start: these points need one. */
const SETTLE_POINTS = /^settle-/;
/** Begins every password, so that one in clear is found wherever it is. */
const PASSWORD = 'tortured-secret';

interface Person {
  /** The resource's id, once it was answered. */
  id: string | undefined;
  /** What the application may hold: titles, or absence. One element when the last write was answered. */
  possible: Set<string | undefined>;
  /** What its password may be, as long as it is there. */
  passwords: Set<string>;
}

interface Counts {
  hits: number;
  rounds: number;
  answered: number;
  unanswered: number;
  lost: number;
  doubled: number;
  halfDone: number;
  /** Passwords found in clear in what the host keeps. */
  leaked: number;
}

interface Host {
  call(operation: string, ...values: readonly string[]): Promise<{ readonly result?: unknown; readonly status?: number }>;
  readonly died: Promise<NodeJS.Signals | null>;
  readonly missing: readonly string[];
  stop(): Promise<void>;
}

const GONE = { status: -1 } as const;

const stateServer = values.store === 'postgres' ? await startPostgres() : undefined;
/** The schemas of the installation under torture. */
let schema = '';

async function startHost(folder: string, crashPoint: string | undefined): Promise<Host> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'torture-host.ts'), values.fault === undefined ? [folder] : [folder, values.fault], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: {
      ...process.env,
      LANDBRIDGE_TORTURE: '1',
      TORTURE_STORE: stateServer === undefined ? '' : `${stateServer.url}?schema=${schema}`,
      ...(crashPoint === undefined ? {} : { LANDBRIDGE_CRASH_POINT: crashPoint }),
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, (answer: { readonly result?: unknown; readonly status?: number }) => void>();
  let next = 1;
  let ready = (_: readonly string[]): void => {};
  const started = new Promise<readonly string[]>((resolve) => {
    ready = resolve;
  });
  child.on(
    'message',
    (
      message: { readonly ready?: true; readonly missing: readonly string[] } | { readonly id: number; readonly result?: unknown; readonly status?: number },
    ) => {
      if ('id' in message) {
        waiting.get(message.id)?.(message);
        waiting.delete(message.id);
      } else ready(message.missing);
    },
  );
  const died = new Promise<NodeJS.Signals | null>((resolve) => {
    child.on('exit', (_code, signal) => {
      for (const answer of waiting.values()) answer(GONE);
      waiting.clear();
      ready([]);
      resolve(signal);
    });
  });
  const missing = await started;
  return {
    missing,
    died,
    call(operation, ...list) {
      if (!child.connected) return Promise.resolve(GONE);
      const id = next;
      next += 1;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        child.send({ id, operation, values: list }, (error) => {
          if (error !== null && waiting.delete(id)) resolve(GONE);
        });
      });
    },
    async stop() {
      if (child.connected) child.disconnect();
      await died;
    },
  };
}

interface ApplicationPerson {
  readonly titles: readonly string[];
  readonly whole: boolean;
  readonly password: string | undefined;
}

/** The application as its own client sees it: every row, so that a doubled person shows. */
function readApplication(file: string): Map<string, ApplicationPerson> {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  const rows = database
    .prepare('SELECT p.login, p.title, p.nick, p.password, (SELECT count(*) FROM mails m WHERE m.person = p.id) AS mails FROM people p')
    .all();
  database.close();
  const people = new Map<string, { titles: string[]; whole: boolean; password: string | undefined }>();
  for (const row of rows) {
    const name = String(row['login']);
    const known = people.get(name) ?? { titles: [], whole: true, password: row['password'] === null ? undefined : String(row['password']) };
    known.titles.push(String(row['title']));
    // Title and nickname are written together, and a created person has both mails: anything else is half a write.
    const outside = name.startsWith('outside');
    known.whole &&= outside || (row['title'] === row['nick'] && Number(row['mails']) === 2);
    people.set(name, known);
  }
  return people;
}

/** One client: creates, changes and deletes people of its own, remembering what it was answered. */
async function runClient(host: Host, people: Map<string, Person>, prefix: string, counts: Counts, until: () => boolean): Promise<void> {
  const own: string[] = [];
  for (let number = 1; until(); number += 1) {
    const value = `${prefix}-${number}`;
    const existing = own[Math.floor(Math.random() * own.length)];
    const person = existing === undefined ? undefined : people.get(existing);
    const dice = Math.random();
    if (person?.id === undefined || dice < 0.5) {
      const name = `p.${value}`;
      const made: Person = { id: undefined, possible: new Set([undefined, value]), passwords: new Set([passwordOf(value)]) };
      people.set(name, made);
      const { result } = await host.call('create', name, value, passwordOf(value));
      if (typeof result === 'string') {
        made.id = result;
        made.possible = new Set([value]);
        own.push(name);
        counts.answered += 1;
      } else counts.unanswered += 1;
    } else if (dice < 0.65) {
      const before = new Set(person.passwords);
      person.passwords.add(passwordOf(value));
      const { result, status } = await host.call('password', person.id, passwordOf(value));
      if (result !== undefined) person.passwords = new Set([passwordOf(value)]);
      else if (status !== -1 && status !== 503) person.passwords = before;
      counts[result === undefined ? 'unanswered' : 'answered'] += 1;
    } else if (dice < 0.88) {
      const before = new Set(person.possible);
      person.possible.add(value);
      const { result, status } = await host.call('patch', person.id, value);
      if (result !== undefined) person.possible = new Set([value]);
      else if (status !== -1 && status !== 503) person.possible = before;
      counts[result === undefined ? 'unanswered' : 'answered'] += 1;
    } else {
      person.possible.add(undefined);
      const { result } = await host.call('delete', person.id);
      if (result !== undefined) {
        person.possible = new Set([undefined]);
        person.id = undefined;
      }
      own.splice(own.indexOf(existing as string), 1);
      counts[result === undefined ? 'unanswered' : 'answered'] += 1;
    }
  }
}

const passwordOf = (value: string): string => `${PASSWORD} ${value}`;

/** What identity clouds do after a time-out: look the person up, and create it if it is not there. */
async function retryCreates(host: Host, people: Map<string, Person>): Promise<void> {
  for (const [name, person] of people) {
    if (person.id !== undefined || !person.possible.has(undefined) || person.possible.size < 2) continue;
    const title = [...person.possible].find((one) => one !== undefined) ?? '';
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const found = await host.call('filter', name);
      if (found.status === 503) await pause(25);
      else if (typeof found.result === 'string') {
        person.id = found.result;
        person.possible.delete(undefined);
        break;
      } else {
        const { result, status } = await host.call('create', name, title, passwordOf(title));
        if (typeof result === 'string') {
          person.id = result;
          person.possible = new Set([title]);
          person.passwords = new Set([passwordOf(title)]);
          break;
        }
        if (status !== 503 && status !== 409) break;
        await pause(25);
      }
    }
  }
}

/** Somebody else changes the application too, so that imports have something to add and to remove. */
function changeOutside(file: string, round: number): void {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  database.exec('BEGIN IMMEDIATE');
  for (let index = 0; index < 40; index += 1) database.prepare('INSERT INTO people(login, title) VALUES (?, ?)').run(`outside.${round}.${index}`, 'x');
  database.prepare('DELETE FROM people WHERE login LIKE ?').run(`outside.${round - 1}.%`);
  database.exec('COMMIT');
  database.close();
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function torturePoint(point: string): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-torture-'));
  schema = point.replaceAll('-', '_');
  const file = join(folder, 'app.sqlite');
  const application = new DatabaseSync(file);
  application.exec(
    'PRAGMA journal_mode=WAL; CREATE TABLE people(id INTEGER PRIMARY KEY AUTOINCREMENT, login TEXT, title TEXT, nick TEXT, password TEXT); CREATE INDEX people_login ON people(login); CREATE TABLE mails(person INTEGER REFERENCES people(id), mail TEXT, PRIMARY KEY(person, mail))',
  );
  application.close();
  const people = new Map<string, Person>();
  const counts: Counts = { hits: 0, rounds: 0, answered: 0, unanswered: 0, lost: 0, doubled: 0, halfDone: 0, leaked: 0 };
  const imports = IMPORT_POINTS.test(point);
  while (counts.hits < HITS && counts.rounds < HITS * 4 + 10) {
    counts.rounds += 1;
    if (imports) changeOutside(file, counts.rounds);
    if (SETTLE_POINTS.test(point)) await crashRound(folder, 'call-after', false, people, { ...counts });
    await crashRound(folder, point, imports || SETTLE_POINTS.test(point), people, counts);
    counts.leaked += await findPasswords(join(folder, 'data'));
    await checkRound(folder, file, people, counts);
    if (values.fault !== undefined && counts.lost + counts.doubled + counts.halfDone > 0) break;
  }
  rmSync(folder, { recursive: true, force: true });
  return counts;
}

/** How often a password is in clear in what the host keeps: in its files, and in every row of its schemas. */
async function findPasswords(folder: string): Promise<number> {
  let found = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = join(folder, name);
    if (statSync(file).isFile() && readFileSync(file).includes(PASSWORD)) found += 1;
  }
  if (stateServer === undefined) return found;
  const client = new Client({ connectionString: stateServer.url });
  await client.connect();
  const tables = await client.query<{ name: string }>(
    `SELECT format('%I.%I', table_schema, table_name) AS name FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema LIKE $1 || '%'`,
    [schema],
  );
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${name} t WHERE t::text LIKE '%${PASSWORD}%'`);
    found += Number(rows[0]?.n);
  }
  await client.end();
  return found;
}

/** `first`: dies at the first visit of the point, else at one of the first twelve. */
async function crashRound(folder: string, point: string, first: boolean, people: Map<string, Person>, counts: Counts): Promise<void> {
  const imports = IMPORT_POINTS.test(point);
  const visits = PASSWORD_POINTS.test(point) ? 6 : 12;
  const host = await startHost(folder, `${point}:${first ? 1 : 1 + Math.floor(Math.random() * visits)}`);
  let alive = true;
  const end = host.died.then((signal) => {
    alive = false;
    if (signal === 'SIGKILL') counts.hits += 1;
  });
  const deadline = Date.now() + 5000;
  const until = (): boolean => alive && Date.now() < deadline;
  const clients = Array.from({ length: WORKERS }, (_, index) => runClient(host, people, `${point}-${counts.rounds}-${index}`, counts, until));
  const importing = (async () => {
    while (imports && until()) if ((await host.call('import')).status !== undefined) await pause(5);
  })();
  await Promise.all([...clients, importing]);
  await host.stop();
  await end;
}

async function checkRound(folder: string, file: string, people: Map<string, Person>, counts: Counts): Promise<void> {
  const certain = [...people.values()].filter((person) => person.id !== undefined && !person.possible.has(undefined));
  writeFileSync(join(folder, 'answered.json'), JSON.stringify(certain.map((person) => person.id)));
  const host = await startHost(folder, undefined);
  counts.lost += host.missing.length;
  await retryCreates(host, people);
  for (let wait = 0; wait < 400 && (await host.call('status')).result !== 0; wait += 1) await pause(25);
  const { result } = await host.call('import');
  if (result !== 'success') counts.halfDone += 1;
  const seen = ((await host.call('list')).result ?? {}) as Readonly<Record<string, readonly [string, string, string | undefined]>>;
  await host.stop();
  const rows = readApplication(file);
  for (const [name, person] of people) judge(name, person, rows.get(name), seen[name], counts);
  for (const name of Object.keys(seen)) if (!rows.has(name)) report(counts, 'halfDone', `${name} is in the host and not in the application`);
  for (const name of rows.keys()) if (seen[name] === undefined) report(counts, 'halfDone', `${name} is in the application and not in the host`);
}

function judge(
  name: string,
  person: Person,
  row: ApplicationPerson | undefined,
  seen: readonly [string, string, string | undefined] | undefined,
  counts: Counts,
): void {
  const actual = row?.titles[0];
  if (row !== undefined && row.titles.length > 1) report(counts, 'doubled', `${name} is there ${row.titles.length} times`);
  else if (!person.possible.has(actual)) report(counts, 'lost', `${name} should be ${[...person.possible].join(' or ')} and is ${actual ?? 'absent'}`);
  else if (row !== undefined && (!row.whole || seen?.[1] !== actual))
    report(counts, 'halfDone', `${name} is ${actual ?? 'absent'} in the application and ${seen?.[1] ?? 'absent'} in the host`);
  else if (row !== undefined && !person.passwords.has(row.password ?? ''))
    report(counts, 'lost', `${name} should have the password ${[...person.passwords].join(' or ')} and has ${row.password ?? 'none'}`);
  if (person.id !== undefined && seen !== undefined && person.id !== seen[0]) report(counts, 'lost', `${name} changed its id`);
  // From here on what is there is certain.
  person.possible = new Set([actual]);
  if (row?.password !== undefined) person.passwords = new Set([row.password]);
  if (actual === undefined) person.id = undefined;
  else person.id = seen?.[0] ?? person.id;
}

function report(counts: Counts, what: 'lost' | 'doubled' | 'halfDone', message: string): void {
  counts[what] += 1;
  if (values.fault === undefined && counts[what] <= 5) process.stderr.write(`  ${what}: ${message}\n`);
}

const started = performance.now();
const results: Record<string, Counts> = {};
for (const point of wantedPoints) {
  const counts = await torturePoint(point);
  results[point] = counts;
  if (!values.json) {
    process.stdout.write(
      `${point.padEnd(24)} killed ${String(counts.hits).padStart(3)} times; ${String(counts.answered).padStart(6)} writes answered, ${String(counts.unanswered).padStart(4)} cut off; lost ${counts.lost}, doubled ${counts.doubled}, half-done ${counts.halfDone}, leaked ${counts.leaked}\n`,
    );
  }
}
await stateServer?.stop();
const sum = (name: keyof Counts): number => Object.values(results).reduce((total, counts) => total + counts[name], 0);
const clean = sum('lost') + sum('doubled') + sum('halfDone') + sum('leaked') === 0;
const reached = Object.values(results).every((counts) => counts.hits >= HITS);
if (values.json) process.stdout.write(`${JSON.stringify({ clean, reached, results })}\n`);
else {
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(
    `${clean && reached ? '✓' : '✗'} ${sum('hits')} kills, ${sum('answered')} writes answered: ${sum('lost')} lost, ${sum('doubled')} doubled, ${sum('halfDone')} half-done, ${sum('leaked')} passwords in clear (${seconds} s)\n`,
  );
  if (!reached && values.fault === undefined) process.stdout.write(`not every point was reached ${HITS} times\n`);
}
process.exitCode = clean && (reached || values.fault !== undefined) ? 0 : 1;
