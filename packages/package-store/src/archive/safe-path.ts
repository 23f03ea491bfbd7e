import { PackageError } from '../package-error.ts';

/** What a package may hold. Generous for connectors, small for a bomb. */
export const packageLimits = { files: 20_000, bytes: 1024 * 1024 * 1024, pathLength: 400, depth: 40, ratio: 200 } as const;

/** Names that Windows takes for devices. */
const DEVICES = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * The path of a file of a package: relative, with forward slashes, inside, and a plain name on every system.
 *
 * @throws PackageError `hostile` for anything else.
 */
export function safePath(written: string): string {
  const path = written.replaceAll('\\', '/');
  const refuse = (why: string): PackageError => new PackageError('hostile', `the package holds the path "${written.slice(0, 200)}": ${why}`);
  if (path.length > packageLimits.pathLength) throw refuse('it is too long');
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) throw refuse('it is not relative');
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.length === 0) throw refuse('it names nothing');
  if (segments.length > packageLimits.depth) throw refuse('it is too deep');
  for (const segment of segments) {
    if (segment === '..') throw refuse('it leads out of the package');
    if ([...segment].some((character) => character < ' ' || '<>:"|?*\u007f'.includes(character)))
      throw refuse('it has characters that are not allowed in names');
    if (DEVICES.test(segment) || /[. ]$/.test(segment)) throw refuse('it is not a plain name on Windows');
  }
  return segments.join('/');
}
