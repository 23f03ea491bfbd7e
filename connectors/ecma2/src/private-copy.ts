import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ConnectorError } from '@landbridge/connector-sdk';

/**
 * What packages carry and must not win: Microsoft's contract, whose place ours takes, and PowerShell's assembly, which is that of
 * Windows or an empty reference. They stay out of the copy.
 */
const HANDED_OUT = /^(microsoft\.metadirectoryservices(ex)?|system\.management\.automation)\.(dll|xml)$/i;

/**
 * The folder that a connector runs from: a private writable copy of its package (R28), so that an update does not pull files from
 * under a running worker and files written beside the DLL stay the connector's own. The copy is named by what is in the package.
 *
 * @throws ConnectorError `invalid-configuration` when the package's folder is not there.
 */
export function privateCopy(directory: string, ownFolder: string): string {
  const source = resolve(directory);
  if (!existsSync(source) || !statSync(source).isDirectory())
    throw new ConnectorError(
      'invalid-configuration',
      `there is no folder ${source}: set directory to the folder with the connector's DLL and its dependencies`,
      {
        parameter: 'directory',
      },
    );
  const target = join(ownFolder, 'packages', fingerprint(source));
  if (existsSync(target)) return target;
  mkdirSync(join(ownFolder, 'packages'), { recursive: true, mode: 0o700 });
  const draft = mkdtempSync(join(ownFolder, 'packages', '.draft-'));
  try {
    cpSync(source, draft, { recursive: true, filter: (file) => !HANDED_OUT.test(basename(file)) });
    if (!existsSync(target)) renameSync(draft, target);
  } catch (error) {
    if (!existsSync(target)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return target;
}

/** Names, sizes and times of a package's files: what changes when somebody replaces one of them. */
function fingerprint(directory: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => join(entry.parentPath, entry.name)).sort()) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file.slice(directory.length)}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}
