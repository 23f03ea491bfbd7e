import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { BRIDGE } from './build-worker.ts';
import { findProgram } from './dotnet-programs.ts';

/**
 * Connectors that run PowerShell refer to System.Management.Automation and expect Windows to have it. On the current .NET it is
 * handed to them from an installed PowerShell 7, or from the package of NuGet, which is fetched once where nothing is installed.
 */
const AUTOMATION = 'System.Management.Automation';
const VERSION = '7.6.9';
const INSTALL_MILLISECONDS = 240_000;
const known = new Map<string, boolean>();

/** Whether a DLL of the folder refers to PowerShell: the name stands in its metadata. `folder` is named by its content. */
export function needsPowerShell(folder: string): boolean {
  const before = known.get(folder);
  if (before !== undefined) return before;
  const needs = readdirSync(folder)
    .filter((name) => name.toLowerCase().endsWith('.dll') && !name.startsWith(AUTOMATION))
    .some((name) => readFileSync(join(folder, name)).includes(`\0${AUTOMATION}\0`));
  known.set(folder, needs);
  return needs;
}

/** The folder of a PowerShell 7: named by LANDBRIDGE_POWERSHELL, that of `pwsh` on the path, or ours. Undefined where there is none. */
export async function findPowerShell(): Promise<string | undefined> {
  const named = process.env['LANDBRIDGE_POWERSHELL'];
  if (named !== undefined && hasAutomation(named)) return named;
  const program = findProgram('pwsh');
  const beside = program === undefined ? undefined : dirname(realpathSync(program));
  if (beside !== undefined && hasAutomation(beside)) return beside;
  return installed() ?? install();
}

const home = join(BRIDGE, 'dist', `powershell-${VERSION}`);

function installed(tool = home): string | undefined {
  const folder = join(tool, `.store/powershell/${VERSION}/powershell/${VERSION}/tools`);
  if (!existsSync(folder)) return undefined;
  const [framework = ''] = readdirSync(folder);
  const found = join(folder, framework, 'any', process.platform === 'win32' ? 'win' : 'unix');
  return hasAutomation(found) ? found : undefined;
}

/** PowerShell as the tool package of NuGet. Where that is not to be had, nothing: the worker then names what is missing. */
async function install(): Promise<string | undefined> {
  const dotnet = findProgram('dotnet');
  if (dotnet === undefined) return undefined;
  mkdirSync(dirname(home), { recursive: true });
  const draft = mkdtempSync(join(dirname(home), '.draft-'));
  try {
    await promisify(execFile)(dotnet, ['tool', 'install', 'PowerShell', '--version', VERSION, '--tool-path', draft], {
      timeout: INSTALL_MILLISECONDS,
      env: { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' },
    });
    const folder = installed(draft);
    if (folder === undefined) return undefined;
    flatten(folder);
    if (!existsSync(home)) renameSync(draft, home);
  } catch {
    return undefined;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return installed();
}

/** Puts what is for this system beside the rest, as an installed PowerShell has it: the worker is no program with a list of such folders. */
function flatten(folder: string): void {
  const system = process.platform === 'win32' ? ['win'] : ['unix', process.platform === 'darwin' ? 'osx' : 'linux'];
  const last = system.at(-1) ?? '';
  for (const name of [...system, `${last}-${process.arch}`]) {
    const libraries = join(folder, 'runtimes', name, 'lib');
    const frameworks = existsSync(libraries) ? readdirSync(libraries).map((framework) => join(libraries, framework)) : [];
    for (const source of [...frameworks, join(folder, 'runtimes', name, 'native')]) if (existsSync(source)) cpSync(source, folder, { recursive: true });
  }
}

function hasAutomation(folder: string): boolean {
  return existsSync(join(folder, `${AUTOMATION}.dll`));
}
