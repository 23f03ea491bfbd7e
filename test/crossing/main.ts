import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sampleConfiguration } from '../../apps/cli/src/tour/sample-application.ts';
import { createScimClient, runTour, type ScimClient, type TourStep } from '../../apps/cli/src/tour/tour.ts';
import { readOptions, refuse } from '../../tools/command-options.ts';
import { startPostgres } from '../backends/postgres.ts';
import { ecma2System } from './ecma2-system.ts';
import { type CrossingSystem, mariadbSystem, odbcSystem, postgresSystem, sqliteSystem } from './systems.ts';

/**
 * `npm run crossing -- SYSTEM`: the main job against a real system, as a user would do it: the system's server is started
 * privately, a configuration is written, the host comes up from the command line, imports, and provisions over SCIM; each
 * step is checked in the system by the system's own client. `--store postgres` keeps the host's own state in PostgreSQL. In the middle the host is killed the hard way and started again.
 */
const systems: Readonly<Record<string, () => Promise<CrossingSystem>>> = {
  sqlite: sqliteSystem,
  postgres: postgresSystem,
  mariadb: mariadbSystem,
  odbc: odbcSystem,
  ecma2: ecma2System,
};

const { values, positionals } = readOptions(
  `
usage: npm run crossing -- SYSTEM [OPTIONS]

The main job against a real system, started privately: import, then people and groups over SCIM, each step checked in the system.
In the middle the host is killed and started again. Example: npm run crossing -- postgres --json

  SYSTEM             ${Object.keys(systems).join(', ')}
  --store postgres   the host keeps its own state in PostgreSQL (default: sqlite)
  --json             the result as JSON
  --help             this text
`,
  { json: { type: 'boolean', default: false }, store: { type: 'string', default: 'sqlite' } },
  { positionals: true },
);
if (!['sqlite', 'postgres'].includes(values.store)) refuse(`--store is sqlite or postgres, not "${values.store}"`);
const [systemName = '', ...unwanted] = positionals;
if (unwanted.length > 0) refuse(`one system at a time: "${unwanted[0]}" is too much`);
const open = Object.hasOwn(systems, systemName) ? systems[systemName] : undefined;
if (open === undefined) refuse(systemName === '' ? `name a system: ${Object.keys(systems).join(', ')}` : `there is no system "${systemName}"`);
const say = (line: string): void => void (values.json || process.stdout.write(`${line}\n`));
const landbridge = join(import.meta.dirname, '../../bin/landbridge');
const folder = mkdtempSync(join(tmpdir(), 'landbridge-crossing-'));
const data = join(folder, 'data');
const system = await open();
// The state of the host itself may be in PostgreSQL, in a server of its own.
const stateServer = values.store === 'postgres' ? await startPostgres({ durable: true }) : undefined;
const env = { ...process.env, ...system.environment, LANDBRIDGE_DATA: data, CROSSING_STORE: stateServer?.url ?? '' };
const storeOption = stateServer === undefined ? [] : ['--store', '${env:CROSSING_STORE}'];
let host: ChildProcess | undefined;

async function up(): Promise<{ readonly url: string; readonly caFile: string }> {
  const child = spawn(landbridge, ['up', '--json', '--port', '0', '--config', join(folder, 'landbridge.yaml'), ...storeOption], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  host = child;
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += String(chunk);
      if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))) as { url: string; caFile: string });
    });
    child.on('exit', (code) => reject(new Error(`the host ended with ${code ?? 'a signal'}`)));
  });
}

function cli<Result>(...list: readonly string[]): Result {
  return JSON.parse(execFileSync(landbridge, [...list, '--json'], { env, encoding: 'utf8' })) as Result;
}

async function kill(signal: NodeJS.Signals): Promise<void> {
  const child = host;
  if (child === undefined) return;
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  child.kill(signal);
  await ended;
}

let steps: readonly TourStep[] = [];
let survived = false;
try {
  const file = join(folder, 'landbridge.yaml');
  if (system.configure === undefined) writeFileSync(file, sampleConfiguration(system.parameters));
  else system.configure(landbridge, file);
  execFileSync(landbridge, ['validate', file], { env, stdio: 'ignore' });
  let { url, caFile } = await up();
  say(`${system.name}: the host is up at ${url}`);
  const test = cli<readonly { readonly layer: string; readonly status: string }[]>('connector', 'test', 'hr');
  say(`connection test: ${test.map((one) => `${one.layer} ${one.status}`).join(', ')}`);
  const run = cli<{ readonly result: string; readonly steps: readonly { readonly counts: { readonly added: number } }[] }>(
    'run',
    'hr',
    system.fullProfile ?? 'full',
  );
  say(`full import: ${run.result}, ${run.steps[0]?.counts.added ?? 0} added`);
  const { token } = cli<{ readonly token: string }>('token', 'create', 'hr');
  let scim = createScimClient(`${url}/scim/hr`, token, caFile);
  const between = async (done: number): Promise<ScimClient | undefined> => {
    if (done !== 3) return undefined;
    say('the host is killed (SIGKILL) and started again');
    await scim.close();
    await kill('SIGKILL');
    ({ url, caFile } = await up());
    survived = true;
    scim = createScimClient(`${url}/scim/hr`, token, caFile);
    return scim;
  };
  steps = await runTour(
    scim,
    system.view,
    (step) =>
      say(
        `${step.passed ? '✓' : '✗'} ${step.title} (${step.milliseconds} ms)\n    before ${JSON.stringify(step.before)}\n    after  ${JSON.stringify(step.after)}`,
      ),
    between,
  );
  await scim.close();
} catch (error) {
  say(`✗ ${error instanceof Error ? error.message : String(error)}`);
  say(readFileSync(join(data, 'host.log'), 'utf8').split('\n').slice(-5).join('\n'));
} finally {
  await kill('SIGTERM');
  await system.stop();
  await stateServer?.stop();
  rmSync(folder, { recursive: true, force: true });
}
const passed = survived && steps.length === 6 && steps.every((step) => step.passed);
if (values.json) process.stdout.write(`${JSON.stringify({ system: system.name, passed, steps })}\n`);
say(`${passed ? '✓' : '✗'} crossing ${system.name}: ${steps.filter((step) => step.passed).length} of 6 steps seen in the system`);
process.exitCode = passed ? 0 : 1;
