import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The runtimes that a worker can run on. */
export type DotnetRuntime = 'mono' | 'dotnet' | 'net48';

/** Finds a program on the path. */
export function findProgram(name: string): string | undefined {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.bat`] : [name];
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    for (const one of names) if (existsSync(join(folder, one))) return join(folder, one);
  }
  return undefined;
}

/** What is used where the configuration does not say: .NET Framework on Windows, Mono elsewhere, the current .NET where there is no Mono. */
export function defaultRuntime(): DotnetRuntime {
  if (process.platform === 'win32') return 'net48';
  return findProgram('mono') === undefined && findProgram('dotnet') !== undefined ? 'dotnet' : 'mono';
}
