// Runs a TypeScript file of the project with the Node.js that the lockfile pins. Plain JavaScript without dependencies, because
// it must run on whatever Node.js (20 or newer) the machine has, before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...values] = process.argv.slice(2);

installDependencies();
const node = findNode();
if (node === undefined) {
  console.error(
    `error: Node.js 24 or newer is needed, this is ${process.version}, and the pinned one is not available for ${process.platform} ${process.arch}`,
  );
  process.exit(1);
}
const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(process.platform === 'win32' ? ';' : ':');
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, script), ...values], {
  stdio: 'inherit',
  cwd: root,
  // What the engine compiled is kept, also for the threads and processes that the file starts: they start in half the time.
  env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'landbridge'), ...process.env, PATH: path },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 0 : 1)));

/**
 * `npm ci` where nothing is installed, or something else than the lockfile says: after a pull, nobody runs with the dependencies of
 * yesterday. It says so and why. A lockfile that is only newer, as after a checkout, installs nothing. `bin/landbridge` never installs.
 */
function installDependencies() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const lockfile = join(root, 'package-lock.json');
  const missing = !existsSync(installed);
  if (!missing && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs) return;
  const different = missing ? undefined : findDifference(readPackages(lockfile), readPackages(installed));
  if (!missing && different === undefined) return utimesSync(installed, new Date(), new Date());
  console.error(`${missing ? 'no dependencies are installed' : `${different} is not what package-lock.json says`}: running npm ci …`);
  const npm = process.env.npm_execpath;
  const [command, first] = npm === undefined ? [process.platform === 'win32' ? 'npm.cmd' : 'npm', []] : [process.execPath, [npm]];
  const { status } = spawnSync(command, [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status !== 0) {
    console.error('error: npm ci failed; see above');
    process.exit(1);
  }
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** A package that is installed otherwise than locked, or not at all. What is optional may be missing: it is for another system. */
function findDifference(locked, installed) {
  const paths = new Set([...Object.keys(locked), ...Object.keys(installed)].filter((path) => path.startsWith('node_modules/')));
  return [...paths].find((path) => {
    const [wanted, present] = [locked[path], installed[path]];
    if (present === undefined) return wanted.optional !== true && wanted.devOptional !== true;
    return wanted === undefined || wanted.version !== present.version || wanted.integrity !== present.integrity;
  });
}

function findNode() {
  const pinned = [`node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`].flatMap((name) => [
    join(root, 'node_modules', name, 'bin', 'node'),
    join(root, 'node_modules', name, 'bin', 'node.exe'),
  ]);
  return pinned.find(existsSync) ?? (Number(process.versions.node.split('.')[0]) >= 24 ? process.execPath : undefined);
}
