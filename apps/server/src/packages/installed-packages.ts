import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PackageError, type PackagePolicy, type PackageStore } from '@landbridge/package-store';

type Json = { readonly [key: string]: unknown };

/** A connector of the document with its package found: what the engine loads. */
export interface ResolvedPackage {
  readonly connector: Json;
  /** Name and digest of the installed package; `undefined` where the connector uses what is built in or a path. */
  readonly installed: { readonly name: string; readonly digest: string } | undefined;
}

/**
 * Finds the package of a connector. An installed module runs from a private copy in the connector's folder; an installed DLL is
 * given to the connector `ecma2`, which makes its own (R28).
 *
 * @param digest Another version than the one in use, to try it.
 * @throws PackageError when the content is gone, was changed, or lacks a signature that is asked for.
 */
export function resolvePackage(
  connector: Json,
  options: { readonly store: PackageStore; readonly policy: PackagePolicy; readonly dataFolder: string; readonly name: string; readonly digest?: string },
): ResolvedPackage {
  const installed = options.store.get(String(connector['package']));
  if (installed === undefined) {
    refuseUnsignedPath(connector, options.policy);
    return { connector, installed: undefined };
  }
  const digest = options.digest ?? installed.current;
  const version = installed.versions.find((one) => one.digest === digest);
  if (version === undefined) throw new PackageError('unknown', `the package "${installed.name}" has no version ${digest.slice(0, 12)}`);
  options.store.verify(digest, options.policy);
  const found = { name: installed.name, digest };
  if (version.kind === 'ecma2') {
    const file = join(options.store.contentOf(digest), version.entry);
    const parameters = { ...(connector['parameters'] as Json | undefined), directory: dirname(file), dll: version.entry.split('/').at(-1) };
    return { connector: { ...connector, package: 'ecma2', parameters }, installed: found };
  }
  const copy = join(options.dataFolder, 'connectors', options.name, 'packages', digest.slice(0, 16));
  options.store.materialize(digest, copy);
  return { connector: { ...connector, package: join(copy, version.entry) }, installed: found };
}

function refuseUnsignedPath(connector: Json, policy: PackagePolicy): void {
  if (policy.requireSignature && /[/\\]/.test(String(connector['package'])))
    throw new PackageError(
      'signature',
      `packages must be signed here, and "${String(connector['package'])}" is a path: install it with landbridge package add`,
    );
}

/**
 * Connectors that run what the policy does not let in. One that is open stays open when the policy comes, and could not be opened
 * again: that is to be known before the next restart (SEC-53).
 */
export function unsignedInUse(
  connectors: Readonly<Record<string, Json>>,
  { store, policy }: { readonly store: PackageStore; readonly policy: PackagePolicy },
): readonly string[] {
  if (!policy.requireSignature) return [];
  return Object.entries(connectors).flatMap(([name, connector]) => {
    const installed = store.get(String(connector['package']));
    try {
      if (installed === undefined) refuseUnsignedPath(connector, policy);
      else store.verify(installed.current, policy);
      return [];
    } catch (error) {
      if (!(error instanceof PackageError)) throw error;
      return [`connectors.${name}: ${error.message}; what is open goes on, and cannot be opened again`];
    }
  });
}

/**
 * Lets installed modules import our SDK by its name: a link in the data folder, where Node looks for it from below.
 */
export function linkSdk(dataFolder: string): void {
  const sdk = packageRoot(fileURLToPath(import.meta.resolve('@landbridge/connector-sdk')));
  const link = join(dataFolder, 'node_modules', '@landbridge', 'connector-sdk');
  mkdirSync(dirname(link), { recursive: true, mode: 0o700 });
  if (existsSync(link) && realpathSync(link) === realpathSync(sdk)) return;
  rmSync(link, { force: true });
  // A junction needs no right of an administrator on Windows.
  symlinkSync(sdk, link, 'junction');
}

function packageRoot(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly name?: string }).name === '@landbridge/connector-sdk') return folder;
  }
  throw new Error('the connector SDK is not installed');
}
