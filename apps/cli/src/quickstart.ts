import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { connectHost } from './admin-client.ts';
import { showRun } from './commands/run-progress.ts';
import { style, table } from './output.ts';
import { createSampleApplication, sampleConfiguration } from './tour/sample-application.ts';
import { type ApplicationView, createScimClient, runTour, type TourStep } from './tour/tour.ts';

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
   SCIM client            Landbridge                    HR system
  ┌───────────┐   TLS   ┌──────────────────────┐  SQL  ┌───────────┐
  │ this tour │ ──────▶ │ journal ▸ connector  │ ────▶ │ hr.sqlite │
  └───────────┘         │ connector space      │       └───────────┘
                        └──────────────────────┘
`;

async function main(): Promise<void> {
  if (values.help) return void process.stdout.write(HELP);
  const say = (text: string): void => void (values.json || process.stdout.write(`${text}\n`));
  const folder = resolve('.landbridge/quickstart');
  const data = join(folder, 'data');
  if (existsSync(join(data, 'host.json')) && !(await isDead(join(data, 'host.json')))) {
    process.stderr.write(`${style.bad('error:')} a quickstart is running already; stop it first (Ctrl-C in its window)\n`);
    process.exitCode = 1;
    return;
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say(style.dim(PICTURE));
  const file = join(folder, 'hr.sqlite');
  say(`${style.bold('1.')} A sample HR system with ${values.people} people: ${file}`);
  createSampleApplication(file, Number(values.people));
  writeFileSync(join(folder, 'landbridge.yaml'), sampleConfiguration(['dialect: sqlite', 'file: ./hr.sqlite']));
  say(`${style.bold('2.')} Its configuration, as you would write it: ${join(folder, 'landbridge.yaml')}`);
  const { startServer, StartError } = await import('@landbridge/server');
  const server = await startServer({ dataFolder: data, configFile: join(folder, 'landbridge.yaml'), port: Number(values.port) }).catch((error: unknown) => {
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`${style.bad('error:')} ${error.message}\n`);
    return undefined;
  });
  if (server === undefined) {
    process.exitCode = 1;
    return;
  }
  say(`${style.bold('3.')} The host is up at ${server.url}. A full import:`);
  const host = connectHost(data);
  if (!values.json) await showRun(host, 'hr', 'full', {});
  else await quietRun(host);
  const { token } = await host.send<{ readonly token: string }>('POST', '/tokens', { connector: 'hr', label: 'quickstart' });
  await host.close();

  say(`\n${style.bold('4.')} The tour: real SCIM calls, and the rows of the database before and after.\n`);
  const base = `${server.url}/scim/hr`;
  const scim = createScimClient(base, token, server.caFile);
  const view = viewOf(file);
  const steps = await runTour(scim, view, (step) => say(describe(step)));
  await scim.close();
  const passed = steps.every((step) => step.passed);
  if (values.json) process.stdout.write(`${JSON.stringify({ passed, steps }, undefined, 2)}\n`);
  say(
    table(
      ['step', 'seen in the database', 'ms'],
      steps.map((step) => [step.title, step.passed ? style.good('yes') : style.bad('NO'), step.milliseconds]),
    ),
  );
  process.exitCode = passed ? 0 : 1;
  if (values.once) return server.close();

  const ca = server.caFile === undefined ? '' : `--cacert ${server.caFile} `;
  say(`
${style.good('The host stays up.')} Stop it with Ctrl-C. Try:

  curl ${ca}-H "Authorization: Bearer ${token}" "${base}/Users?count=2"
  curl ${ca}-H "Authorization: Bearer ${token}" "${base}/Users?filter=title%20eq%20%22Director%22&count=1&attributes=userName,groups"
  curl ${ca}-H "Authorization: Bearer ${token}" -H "Content-Type: application/scim+json" -d '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"you","name":{"givenName":"It","familyName":"Works"}}' "${base}/Users"

  and: ./bin/landbridge status --data ${data}
`);
  await new Promise<void>((done) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => done());
    void server.stopped.then(done);
  });
  await server.close();
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

function describe(step: TourStep): string {
  return `${step.passed ? style.good('✓') : style.bad('✗')} ${style.bold(step.title)}\n    ${style.title(step.call)}\n    ${style.dim('before')} ${JSON.stringify(step.before)}\n    ${style.dim('after ')} ${JSON.stringify(step.after)}\n`;
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
