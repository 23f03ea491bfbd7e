import { type InstalledPackage, PackageError, type PackageStore } from '@landbridge/package-store';
import type { ConfigurationDocument } from '../configuration/parse-configuration.ts';
import type { HostConnectors } from '../host-connectors.ts';
import { unsignedInUse } from '../packages/installed-packages.ts';
import { toPackagePolicy } from '../packages/package-policy.ts';
import { AdminError } from './admin-error.ts';

/** What the package operations of the admin API work with. */
export interface PackageOperationOptions {
  readonly packages: PackageStore;
  readonly connectors: HostConnectors;
  current(): { readonly document: ConfigurationDocument; readonly folder: string };
}

/** Fields of a request body. */
type Body = Readonly<Record<string, unknown>>;

const STATUS: Readonly<Record<PackageError['code'], number>> = {
  unreadable: 400,
  hostile: 400,
  invalid: 400,
  signature: 403,
  unknown: 404,
  exists: 409,
  'in-use': 409,
};

/** An installed package, and who uses it. */
export type ListedPackage = InstalledPackage & { readonly connectors: readonly string[] };

/** All packages. */
export function listPackages(options: PackageOperationOptions): readonly ListedPackage[] {
  return options.packages.list().map((one) => ({ ...one, connectors: options.connectors.usersOf(one.name) }));
}

/** Connectors of the configuration in force whose packages it does not let in. */
export function unsignedPackages(options: PackageOperationOptions): readonly string[] {
  const { document, folder } = options.current();
  return unsignedInUse(document.connectors, { store: options.packages, policy: toPackagePolicy(document.packages, folder) });
}

/** Adds a version of a package from a folder or archive of this machine. It is put to use by an update, unless it is the first. */
export function addPackage(options: PackageOperationOptions, body: Body): Promise<unknown> {
  return refusing(async () => {
    const { document, folder } = options.current();
    const text = (name: string): Readonly<Record<string, string>> => (typeof body[name] === 'string' ? { [name]: body[name] } : {});
    if (typeof body['source'] !== 'string') throw new AdminError(400, 'missing-source', 'name the folder or archive: {"source": "/path"}');
    const added = await options.packages.add(body['source'], {
      ...text('name'),
      ...text('version'),
      ...text('dll'),
      ...text('signature'),
      policy: toPackagePolicy(document.packages, folder),
      at: Date.now(),
    });
    return {
      name: added.package.name,
      version: added.version,
      isNew: added.isNew,
      current: added.package.current === added.version.digest,
      findings: added.inspection.findings,
    };
  });
}

/** Puts a version to use: a source that is added first, or a version that is there. */
export function updatePackage(options: PackageOperationOptions, name: string, body: Body): Promise<unknown> {
  return refusing(async () => {
    if (options.packages.get(name) === undefined) throw new PackageError('unknown', `there is no package "${name}"; add it with: landbridge package add`);
    const digest =
      typeof body['source'] === 'string'
        ? ((await addPackage(options, { ...body, name })) as { readonly version: { readonly digest: string } }).version.digest
        : digestOf(options, name, String(body['version'] ?? ''));
    return change(options, name, digest, false);
  });
}

/** Goes back to the version before, or another that is there, and puts the connectors' own files back as that version left them. */
export function rollBackPackage(options: PackageOperationOptions, name: string, body: Body): Promise<unknown> {
  return refusing(async () => {
    const installed = options.packages.get(name);
    if (installed === undefined) throw new PackageError('unknown', `there is no package "${name}"`);
    const [before] = installed.history;
    if (body['version'] === undefined && before === undefined) throw new PackageError('invalid', `the package "${name}" has no version before the one in use`);
    return change(options, name, body['version'] === undefined ? (before ?? '') : digestOf(options, name, String(body['version'])), true);
  });
}

/** Removes a package, or a version of it, that no connector uses. */
export function removePackage(options: PackageOperationOptions, name: string, version: string | undefined): Promise<unknown> {
  return refusing(async () => {
    const users = options.connectors.usersOf(name);
    if (version === undefined && users.length > 0)
      throw new PackageError('in-use', `the package "${name}" is used by ${users.join(', ')}; take it out of the configuration first`);
    options.packages.remove(name, version === undefined ? undefined : digestOf(options, name, version));
    return { removed: name, ...(version === undefined ? {} : { version }) };
  });
}

async function change(options: PackageOperationOptions, name: string, digest: string, restoreFiles: boolean): Promise<unknown> {
  const before = options.packages.get(name);
  const connectors = await options.connectors.changePackage(name, digest, { restoreFiles });
  const after = options.packages.get(name);
  const version = (of: InstalledPackage | undefined): string => of?.versions.find((one) => one.digest === of.current)?.version ?? '';
  return { name, from: version(before), to: version(after), digest, changed: before?.current !== digest, connectors };
}

/** A version by its name, its digest, or the beginning of it. */
function digestOf(options: PackageOperationOptions, name: string, wanted: string): string {
  const versions = options.packages.get(name)?.versions ?? [];
  const found = versions.filter((one) => one.version === wanted || (wanted.length >= 6 && one.digest.startsWith(wanted)));
  const [only] = found;
  if (found.length === 1 && only !== undefined) return only.digest;
  const known = versions.map((one) => `${one.version} (${one.digest.slice(0, 12)})`).join(', ');
  throw new PackageError(
    found.length === 0 ? 'unknown' : 'invalid',
    `${found.length === 0 ? 'there is no' : 'more than one is called'} version "${wanted}" of "${name}"; there are ${known}`,
  );
}

async function refusing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PackageError) throw new AdminError(STATUS[error.code], `package-${error.code}`, error.message);
    throw error;
  }
}
