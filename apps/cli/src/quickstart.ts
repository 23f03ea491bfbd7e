import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { connectHost, exitCode } from './admin-client.ts';
import { showRun } from './commands/run-progress.ts';
import { style } from './output.ts';
import { count, describeStep, heading, took } from './tour/describe-tour.ts';
import { createSampleApplication, sampleConfiguration } from './tour/sample-application.ts';
import { type ApplicationView, createScimClient, runTour } from './tour/tour.ts';

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    port: { type: 'string', default: '8443' },
    people: { type: 'string', default: '5000' },
    help: { type: 'boolean', default: false },
  },
});

const HELP = `npm run quickstart [-- --once] [--json] [--port N] [--people N]

Starts Landbridge with a sample application (a SQLite HR system), imports it, and provisions a person through real SCIM
calls, showing the rows of the application before and after. Then the host stays up, with three curl lines to try.
  --once    end after the tour; exit code 0 only if every step was seen in the database
`;

const PICTURE = `
   SCIM client             Landbridge                    HR system
  ┌───────────┐   TLS   ┌──────────────────────┐  SQL  ┌───────────┐
  │ this tour │ ──────▶ │ journal ▸ connector  │ ────▶ │ hr.sqlite │
  └───────────┘         │ connector space      │       └───────────┘
                        └──────────────────────┘`;

const STEPS = 6;

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(HELP);
  const people = Number(values.people);
  if (!Number.isInteger(people) || people < 1) return fail(`--people ${values.people}: write a whole number, at least 1`, exitCode.usage);
  const say = (text: string): void => void (values.json || process.stdout.write(`${text}\n`));
  const started = performance.now();
  const folder = resolve('.landbridge/quickstart');
  const data = join(folder, 'data');
  if (existsSync(join(data, 'host.json')) && !(await isDead(join(data, 'host.json'))))
    return fail('a quickstart is running already; stop it first (Ctrl-C in its window)', exitCode.failed);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const shown = (path: string): string => relative(process.cwd(), path);
  say(`\n ${style.bold('Landbridge')}: an application that knows nothing of SCIM, provisioned over SCIM.\n${style.dim(PICTURE)}`);

  say(heading(1, 'The application'));
  const file = join(folder, 'hr.sqlite');
  createSampleApplication(file, people);
  say(` An HR system as one finds it: ${count(people)} employees with managers, 12 departments, memberships.\n ${style.dim(shown(file))}`);

  say(heading(2, 'Its configuration'));
  const configuration = sampleConfiguration(['dialect: sqlite', 'file: ./hr.sqlite']);
  writeFileSync(join(folder, 'landbridge.yaml'), configuration);
  say(` Tables become object types, columns become attributes, and a mapping makes them SCIM: ${count(configuration.split('\n').length)} lines, of which\n`);
  for (const line of excerpt(configuration)) say(`   ${style.title(line)}`);
  say(`\n ${style.dim(shown(join(folder, 'landbridge.yaml')))}`);

  say(heading(3, 'The host'));
  const { startServer, StartError } = await import('@landbridge/server');
  const beforeStart = performance.now();
  const server = await startServer({ dataFolder: data, configFile: join(folder, 'landbridge.yaml'), port: Number(values.port) }).catch((error: unknown) => {
    if (!(error instanceof StartError)) throw error;
    fail(error.message, exitCode.failed);
    return undefined;
  });
  if (server === undefined) return;
  say(` Up at ${style.bold(server.url)} after ${took(performance.now() - beforeStart)}, over TLS with a certificate of its own authority.`);

  say(heading(4, 'The first import'));
  say(' Everything the application holds comes into the connector space, from which reads are answered.');
  const host = connectHost(data);
  if (!values.json) await showRun(host, 'hr', 'full', {});
  else await quietRun(host);
  const { token } = await host.send<{ readonly token: string }>('POST', '/tokens', { connector: 'hr', label: 'quickstart' });
  await host.close();

  say(heading(5, 'The tour'));
  say(' Six real SCIM calls. After each one the database is asked, by its own client, not by the host.');
  const base = `${server.url}/scim/hr`;
  const scim = createScimClient(base, token, server.caFile);
  const view = viewOf(file);
  let number = 0;
  const steps = await runTour(scim, view, (step) => {
    number += 1;
    say(describeStep(step, number, STEPS));
  });
  await scim.close();
  const passed = steps.length === STEPS && steps.every((step) => step.passed);
  const seen = steps.filter((step) => step.passed).length;
  if (values.json) process.stdout.write(`${JSON.stringify({ passed, milliseconds: Math.round(performance.now() - started), steps }, undefined, 2)}\n`);
  say(
    `\n ${passed ? style.good(`✓ ${seen} of ${STEPS} steps seen in the database`) : style.bad(`✗ only ${seen} of ${STEPS} steps seen in the database`)}, ${took(performance.now() - started)} in all.
 ${style.dim('A time of a step is from the request to the answer: TLS, the intent on disk, the commit of the database, the result on disk.')}`,
  );
  process.exitCode = passed ? 0 : 1;
  if (values.once) return server.close();

  const ca = server.caFile === undefined ? '' : `--cacert ${shown(server.caFile)} `;
  const curl = `curl ${ca}-H "Authorization: Bearer $TOKEN"`;
  say(`${heading(6, 'Your turn')}
 The host stays up; Ctrl-C stops it. In another terminal, in this folder:

   ${style.bold(`TOKEN=${token}`)}

   ${style.dim('# two people')}
   ${curl} "${base}/Users?count=2"

   ${style.dim('# a director, by a filter, with their groups')}
   ${curl} "${base}/Users?filter=title%20eq%20%22Director%22&count=1&attributes=userName,groups"

   ${style.dim('# create yourself, then look: sqlite3 or any client on the file of part 1')}
   ${curl} -H "Content-Type: application/scim+json" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"you","name":{"givenName":"It","familyName":"Works"}}' "${base}/Users"

   ${style.dim('# what the host knows of it')}
   ./bin/landbridge status --data ${shown(data)}
   ./bin/landbridge journal list hr --data ${shown(data)}

 Your own database: docs/guide/connect-a-database.md
`);
  await new Promise<void>((done) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => done());
    void server.stopped.then(done);
  });
  await server.close();
}

function fail(message: string, code: number): void {
  process.stderr.write(`${style.bad('error:')} ${message}\n`);
  process.exitCode = code;
}

/** The lines of the configuration that a reader understands it by: the table of people, and the beginning of their mapping. */
function excerpt(configuration: string): readonly string[] {
  const lines = configuration.split('\n');
  const table = lines.findIndex((line) => line.trim() === 'person:');
  const mapping = lines.findIndex((line) => line.trim() === 'mapping:');
  const indent = Math.min(...[table, mapping].map((at) => (lines[at] ?? '').search(/\S/)));
  const part = (from: number, length: number): readonly string[] => [...lines.slice(from, from + length).map((line) => line.slice(indent)), '  …'];
  return [...part(table, 3), ...part(mapping, 4)];
}

async function quietRun(host: ReturnType<typeof connectHost>): Promise<void> {
  const { runId } = await host.send<{ readonly runId: number }>('POST', '/connectors/hr/runs', { profile: 'full' });
  for await (const line of host.lines<unknown>('GET', `/connectors/hr/runs/${runId}/progress`)) void line;
}

/** The database as its own client sees it. */
function viewOf(file: string): ApplicationView {
  const database = new DatabaseSync(file, { readOnly: true });
  return {
    async person(userName) {
      const row = database.prepare('SELECT * FROM employees WHERE user_name = ?').get(userName);
      return row === undefined ? undefined : { ...row };
    },
    async departments(userName) {
      return database
        .prepare('SELECT d.name FROM memberships m JOIN departments d ON d.id = m.department_id JOIN employees e ON e.id = m.employee_id WHERE e.user_name = ?')
        .all(userName)
        .map((row) => String(row['name']));
    },
  };
}

/** Whether the process that wrote the file is gone. */
async function isDead(file: string): Promise<boolean> {
  const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { readonly pid: number };
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}

await main();
