import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '@landbridge/connector-sdk';
import { CommandError, connectHost, dataFolderOf, exitCode } from '../admin-client.ts';
import type { CommonOptions } from '../output.ts';
import { readText } from './command.ts';

/** One check of `landbridge doctor`. */
export interface DoctorCheck {
  readonly check: string;
  readonly status: 'passed' | 'warning' | 'failed';
  readonly message: string;
}

/** Asks the host for its checks; where none runs, looks at what one would need here. */
export async function examine(options: CommonOptions & { readonly config?: string }): Promise<readonly DoctorCheck[]> {
  const configuration = options.config === undefined ? [] : await examineConfiguration(options.config);
  return [...(await examineHost(options)), ...configuration];
}

async function examineHost(options: CommonOptions): Promise<readonly DoctorCheck[]> {
  try {
    const host = connectHost(options.data);
    try {
      const { checks } = await host.get<{ readonly checks: readonly DoctorCheck[] }>('/doctor');
      return [{ check: 'host', status: 'passed', message: `answers at ${host.url}` }, ...checks];
    } finally {
      await host.close();
    }
  } catch (error) {
    if (!(error instanceof CommandError) || error.exit !== exitCode.notRunning) throw error;
    return [{ check: 'host', status: 'failed', message: `${error.message}${error.hint === undefined ? '' : `; ${error.hint}`}` }, ...examineHere(options)];
  }
}

/** What a host needs of this machine. */
function examineHere(options: CommonOptions): readonly DoctorCheck[] {
  const major = Number(process.versions.node.split('.')[0]);
  const folder = dataFolderOf(options.data);
  return [
    { check: 'node', status: major >= 24 ? 'passed' : 'failed', message: `Node.js ${process.version}${major >= 24 ? '' : '; 24 or newer is needed'}` },
    examineFolder(folder),
  ];
}

function examineFolder(folder: string): DoctorCheck {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
  } catch {
    return { check: 'data folder', status: 'failed', message: `${existing} cannot be written to by this account` };
  }
  const { bavail, bsize } = statfsSync(existing);
  const free = (bavail * bsize) / 2 ** 30;
  const made = existing === folder ? '' : ' (it will be made)';
  return { check: 'data folder', status: free < 0.5 ? 'failed' : free < 5 ? 'warning' : 'passed', message: `${folder}${made}, ${free.toFixed(1)} GiB free` };
}

async function examineConfiguration(file: string): Promise<readonly DoctorCheck[]> {
  const { folderOf, formatProblem, parseConfiguration, toConnectorConfiguration } = await import('@landbridge/server');
  const { document, problems } = parseConfiguration(readText(file));
  if (document === undefined)
    return problems.map((problem): DoctorCheck => ({ check: 'configuration', status: 'failed', message: formatProblem(file, problem) }));
  const names = Object.entries(document.connectors);
  return [
    { check: 'configuration', status: 'passed', message: `${file} is valid` },
    ...names.map(([name, connector]): DoctorCheck => {
      try {
        toConnectorConfiguration(name, connector, folderOf(file));
        return { check: `secrets of ${name}`, status: 'passed', message: 'every reference has a value' };
      } catch (error) {
        return { check: `secrets of ${name}`, status: 'failed', message: messageOf(error) };
      }
    }),
  ];
}
