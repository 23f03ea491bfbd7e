import { createWriteStream, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise } from 'yauzl';
import { PackageError } from '../package-error.ts';
import { packageLimits, safePath } from './safe-path.ts';

const SYMBOLIC_LINK = 0o120000;
const FILE_TYPE = 0o170000;

/**
 * Extracts a ZIP into a folder that is empty. Nothing is written outside it, nothing but plain files and folders, and never
 * more than the limits, whatever the archive says of itself: bytes are counted as they come.
 *
 * @throws PackageError `unreadable` for what is no ZIP, `hostile` for links, paths that lead out, names that differ by case
 * only, encryption, and archives that swell.
 */
export async function extractZip(file: string, target: string): Promise<void> {
  const archiveBytes = statSync(file).size;
  const mostBytes = Math.min(packageLimits.bytes, Math.max(64 * 1024 * 1024, archiveBytes * packageLimits.ratio));
  let zip: Awaited<ReturnType<typeof openPromise>>;
  try {
    zip = await openPromise(file, { lazyEntries: true, decodeStrings: true, validateEntrySizes: true });
  } catch (error) {
    throw new PackageError('unreadable', `${file} is not a ZIP archive`, { cause: error });
  }
  const seen = new Set<string>();
  let bytes = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) {
        mkdirSync(join(target, safePath(entry.fileName)), { recursive: true });
        continue;
      }
      const path = safePath(entry.fileName);
      refuseSpecial(entry, path);
      if (seen.has(path.toLowerCase())) throw new PackageError('hostile', `the archive holds "${path}" twice`);
      seen.add(path.toLowerCase());
      if (seen.size > packageLimits.files) throw new PackageError('hostile', `the archive holds more than ${packageLimits.files} files`);
      const out = join(target, path);
      mkdirSync(dirname(out), { recursive: true });
      const count = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          bytes += chunk.length;
          done(bytes > mostBytes ? new PackageError('hostile', `the archive swells to more than ${mostBytes} bytes from ${archiveBytes}`) : null, chunk);
        },
      });
      await pipeline(await zip.openReadStreamPromise(entry), count, createWriteStream(out, { flags: 'wx', mode: 0o600 }));
    }
  } catch (error) {
    if (error instanceof PackageError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    // The library refuses names that lead out before we see them.
    throw new PackageError(
      /relative path|absolute path|invalid characters/i.test(message) ? 'hostile' : 'unreadable',
      `${file} cannot be extracted: ${message}`,
      { cause: error },
    );
  } finally {
    zip.close();
  }
}

function refuseSpecial(entry: Entry, path: string): void {
  if ((entry.generalPurposeBitFlag & 1) !== 0) throw new PackageError('hostile', `"${path}" is encrypted; give an archive without a password`);
  const type = (entry.externalFileAttributes >>> 16) & FILE_TYPE;
  if (entry.versionMadeBy >>> 8 === 3 && type !== 0 && type !== 0o100000)
    throw new PackageError('hostile', `"${path}" is ${type === SYMBOLIC_LINK ? 'a symbolic link' : 'not a plain file'}; a package holds plain files`);
}
