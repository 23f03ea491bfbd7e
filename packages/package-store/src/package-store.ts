import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';
import { copyFolder, listFolder } from './archive/copy-folder.ts';
import { extractZip } from './archive/extract-zip.ts';
import { type Inspection, inspectPackage } from './inspect/inspect-package.ts';
import { digestFolder } from './package-digest.ts';
import { PackageError } from './package-error.ts';
import { findSigner, type TrustedKey } from './package-signature.ts';

/** One version of a package: its content, known by its digest. */
export interface PackageVersion {
  readonly digest: string;
  readonly version: string;
  readonly kind: 'ecma2' | 'module';
  /** The DLL, or the module file. */
  readonly entry: string;
  readonly grade: Inspection['grade'];
  readonly addedAt: number;
  readonly files: number;
  readonly bytes: number;
  /** Name of the operator's key that signed it, and the signature: checked again whenever it is put to use. */
  readonly signedBy?: string;
  readonly signature?: string;
}

/** An installed package. */
export interface InstalledPackage {
  readonly name: string;
  /** Digest of the version in use. */
  readonly current: string;
  /** Newest first. */
  readonly versions: readonly PackageVersion[];
  /** Digests that were in use before, the last one first: what a rollback goes back to. */
  readonly history: readonly string[];
}

/** What the operator asks of packages. */
export interface PackagePolicy {
  readonly requireSignature: boolean;
  readonly keys: readonly TrustedKey[];
}

export interface AddOptions {
  readonly name?: string;
  readonly version?: string;
  /** The DLL, where several could be meant. */
  readonly dll?: string;
  readonly signature?: string;
  readonly policy: PackagePolicy;
  readonly at: number;
}

/** The packages of a data folder. Content is kept by digest and never changed; the index says which version is in use. */
export interface PackageStore {
  list(): readonly InstalledPackage[];
  get(name: string): InstalledPackage | undefined;
  /** Adds a folder or a ZIP as a version, without putting it to use unless it is the first. Equal content is added once. */
  add(
    source: string,
    options: AddOptions,
  ): Promise<{ readonly package: InstalledPackage; readonly version: PackageVersion; readonly isNew: boolean; readonly inspection: Inspection }>;
  /** Puts a version to use. */
  use(name: string, digest: string): InstalledPackage;
  /** Removes a package, or one version that is not in use. */
  remove(name: string, digest?: string): void;
  /** Copies a version into a folder, checking that it is still what was installed. Does nothing where the folder holds it already. */
  materialize(digest: string, target: string): void;
  /** Checks that content is what was installed, and signed where that is asked for. @throws PackageError */
  verify(digest: string, policy: PackagePolicy): void;
  /** The folder of the content; nothing may write there. */
  contentOf(digest: string): string;
  inspect(digest: string): Inspection;
}

const NAME = /^[a-z][a-z0-9-]{0,59}$/;
/** Names that mean what is built in. */
const RESERVED = new Set(['sql', 'ecma2', 'ldap', 'rest', 'soap', 'csv', 'powershell', 'process']);

/** Opens the packages of a data folder. */
export function openPackageStore(folder: string): PackageStore {
  const root = join(folder, 'packages');
  const indexFile = join(root, 'index.json');
  const contentOf = (digest: string): string => join(root, 'content', digest);

  function readIndex(): Readonly<Record<string, InstalledPackage>> {
    if (!existsSync(indexFile)) return {};
    try {
      return (JSON.parse(readFileSync(indexFile, 'utf8')) as { readonly packages: Readonly<Record<string, InstalledPackage>> }).packages;
    } catch (error) {
      throw new PackageError('unreadable', `${indexFile} is damaged; restore it from a backup, or delete it and add the packages again`, { cause: error });
    }
  }

  /** On disk before it counts: written beside, synced, and put in place in one step. */
  function writeIndex(packages: Readonly<Record<string, InstalledPackage>>): void {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const next = `${indexFile}.${randomUUID()}`;
    const handle = openSync(next, 'w', 0o600);
    try {
      writeFileSync(handle, `${JSON.stringify({ version: 1, packages }, undefined, 2)}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(next, indexFile);
  }

  function require(name: string): InstalledPackage {
    const found = readIndex()[name];
    if (found !== undefined) return found;
    const names = Object.keys(readIndex());
    throw new PackageError(
      'unknown',
      `there is no package "${name}"${names.length === 0 ? '; add one with: landbridge package add' : `; there are ${names.join(', ')}`}`,
    );
  }

  function checkContent(digest: string): void {
    const content = contentOf(digest);
    if (!existsSync(content)) throw new PackageError('unknown', `the content ${digest.slice(0, 12)} of a package is gone; add the package again`);
    if (digestFolder(content) !== digest)
      throw new PackageError('hostile', `the content ${digest.slice(0, 12)} of a package was changed on disk; remove it and add the package again`);
  }

  return {
    list: () => Object.values(readIndex()),
    get: (name) => readIndex()[name],
    async add(source, options) {
      const staged = await stageSource(source, join(root, 'incoming'));
      try {
        const inspection = inspectFolder(staged.folder);
        const digest = digestFolder(staged.folder);
        const signedBy = checkSignature(digest, options);
        const named = describe(staged.folder, source, inspection, options, digest);
        const packages = readIndex();
        const known = packages[named.name];
        const existing = known?.versions.find((one) => one.digest === digest);
        if (known !== undefined && existing !== undefined) return { package: known, version: existing, isNew: false, inspection };
        if (!existsSync(contentOf(digest))) {
          mkdirSync(join(root, 'content'), { recursive: true, mode: 0o700 });
          renameSync(staged.folder, contentOf(digest));
        }
        const files = listFolder(contentOf(digest));
        const version: PackageVersion = {
          digest,
          version: named.version,
          kind: named.kind,
          entry: named.entry,
          grade: inspection.grade,
          addedAt: options.at,
          files: files.length,
          bytes: files.reduce((sum, file) => sum + file.bytes, 0),
          ...(signedBy === undefined || options.signature === undefined ? {} : { signedBy, signature: options.signature.trim() }),
        };
        const installed: InstalledPackage =
          known === undefined ? { name: named.name, current: digest, versions: [version], history: [] } : { ...known, versions: [version, ...known.versions] };
        writeIndex({ ...packages, [named.name]: installed });
        return { package: installed, version, isNew: true, inspection };
      } finally {
        rmSync(staged.root, { recursive: true, force: true });
      }
    },
    use(name, digest) {
      const found = require(name);
      if (!found.versions.some((one) => one.digest === digest))
        throw new PackageError('unknown', `the package "${name}" has no version ${digest.slice(0, 12)}`);
      if (found.current === digest) return found;
      // Going back takes the version out of the history; going on puts the old one in front.
      const history = found.history[0] === digest ? found.history.slice(1) : [found.current, ...found.history.filter((one) => one !== digest)].slice(0, 20);
      const used: InstalledPackage = { ...found, current: digest, history };
      writeIndex({ ...readIndex(), [name]: used });
      return used;
    },
    remove(name, digest) {
      const found = require(name);
      const { [name]: _, ...others } = readIndex();
      const gone = digest === undefined ? found.versions.map((one) => one.digest) : [digest];
      if (digest !== undefined) {
        if (digest === found.current) throw new PackageError('in-use', `version ${digest.slice(0, 12)} of "${name}" is in use; roll back or update first`);
        if (!found.versions.some((one) => one.digest === digest))
          throw new PackageError('unknown', `the package "${name}" has no version ${digest.slice(0, 12)}`);
        const kept = { ...found, versions: found.versions.filter((one) => one.digest !== digest), history: found.history.filter((one) => one !== digest) };
        writeIndex({ ...others, [name]: kept });
      } else writeIndex(others);
      const stillUsed = new Set(Object.values(readIndex()).flatMap((one) => one.versions.map((version) => version.digest)));
      for (const one of gone) if (!stillUsed.has(one)) rmSync(contentOf(one), { recursive: true, force: true });
    },
    materialize(digest, target) {
      const mark = join(target, '..', `${basename(target)}.complete`);
      if (existsSync(mark) && existsSync(target)) return;
      const content = contentOf(digest);
      if (!existsSync(content)) throw new PackageError('unknown', `the content ${digest.slice(0, 12)} of a package is gone; add the package again`);
      if (digestFolder(content) !== digest)
        throw new PackageError('hostile', `the content ${digest.slice(0, 12)} of a package was changed on disk; add the package again`);
      rmSync(target, { recursive: true, force: true });
      copyFolder(contentOf(digest), target);
      writeFileSync(mark, digest);
    },
    verify(digest, policy) {
      checkContent(digest);
      if (!policy.requireSignature) return;
      const signatures = Object.values(readIndex()).flatMap((one) =>
        one.versions.filter((version) => version.digest === digest).map((version) => version.signature),
      );
      if (!signatures.some((signature) => signature !== undefined && findSigner(digest, signature, policy.keys) !== undefined))
        throw new PackageError(
          'signature',
          `the content ${digest.slice(0, 12)} of a package is not signed by a key that is trusted now; add it again with --signature`,
        );
    },
    contentOf,
    inspect: (digest) => inspectFolder(contentOf(digest)),
  };
}

/** Inspects a folder or a ZIP that is not installed, in a temporary folder that no other user can have prepared. */
export async function inspectSource(source: string): Promise<{ readonly inspection: Inspection; readonly digest: string }> {
  const scratch = mkdtempSync(join(tmpdir(), 'landbridge-package-'));
  try {
    const { folder } = await stageSource(source, scratch);
    return { inspection: inspectFolder(folder), digest: digestFolder(folder) };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function inspectFolder(folder: string): Inspection {
  return inspectPackage(listFolder(folder).map(({ path }) => ({ path, read: () => readFileSync(join(folder, path)) })));
}

/** Brings a source into a scratch folder of its own. A single DLL is a package of one file. */
async function stageSource(source: string, scratch: string): Promise<{ readonly root: string; readonly folder: string }> {
  if (!existsSync(source)) throw new PackageError('unknown', `there is no ${source}`);
  const root = join(scratch, randomUUID());
  const folder = join(root, 'content');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    if (statSync(source).isDirectory()) copyFolder(source, folder);
    else if (/\.zip$/i.test(source)) await extractZip(source, folder);
    else throw new PackageError('invalid', `${source} is neither a folder nor a .zip: give the folder that holds the DLL and everything it needs`);
    return { root, folder: onlyFolderIn(folder) };
  } catch (error) {
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
}

/** An archive of one folder means what is in the folder. */
function onlyFolderIn(folder: string): string {
  const entries = readdirSync(folder, { withFileTypes: true });
  const [only] = entries;
  return entries.length === 1 && only?.isDirectory() === true ? onlyFolderIn(join(folder, only.name)) : folder;
}

function checkSignature(digest: string, options: AddOptions): string | undefined {
  const { policy, signature } = options;
  const signedBy = signature === undefined ? undefined : findSigner(digest, signature, policy.keys);
  if (signature !== undefined && signedBy === undefined && policy.keys.length > 0)
    throw new PackageError(
      'signature',
      `the signature is not of this content by one of the trusted keys (${policy.keys.map((key) => key.name).join(', ')}); digest ${digest}`,
    );
  if (policy.requireSignature && signedBy === undefined)
    throw new PackageError('signature', 'packages must be signed here: sign it with landbridge package sign, and give the file with --signature');
  return signedBy;
}

interface Described {
  readonly name: string;
  readonly version: string;
  readonly kind: PackageVersion['kind'];
  readonly entry: string;
}

/** Name, version and entry: as told, else as the package's own manifest says, else as its DLL or its file name says. */
function describe(folder: string, source: string, inspection: Inspection, options: AddOptions, digest: string): Described {
  const manifest = readManifest(folder);
  const dll = options.dll ?? manifest.dll;
  const { kind, entry, version } = chooseEntry(inspection, dll, manifest.version);
  const name = options.name ?? manifest.name?.replace(/^@[^/]+\//, '') ?? basename(resolve(source), extname(source));
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 60);
  if (!NAME.test(slug)) throw new PackageError('invalid', `"${name}" cannot be the name of a package; give one with --name: small letters, digits and hyphens`);
  if (RESERVED.has(slug)) throw new PackageError('invalid', `"${slug}" is the name of a connector that is built in; give another one with --name`);
  return { name: slug, kind, entry, version: options.version ?? (version === '' ? digest.slice(0, 12) : version) };
}

function readManifest(folder: string): { readonly name?: string; readonly version?: string; readonly dll?: string } {
  for (const file of ['landbridge-package.json', 'package.json']) {
    if (!existsSync(join(folder, file))) continue;
    let json: unknown;
    try {
      json = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    } catch (error) {
      throw new PackageError('invalid', `${file} is not valid JSON`, { cause: error });
    }
    const fields = (typeof json === 'object' && json !== null ? json : {}) as Readonly<Record<string, unknown>>;
    const text = (key: string): Readonly<Record<string, string>> => (typeof fields[key] === 'string' ? { [key]: fields[key] } : {});
    return { ...text('name'), ...text('version'), ...text('dll') };
  }
  return {};
}

function chooseEntry(inspection: Inspection, dll: string | undefined, manifestVersion: string | undefined): Omit<Described, 'name'> {
  if (inspection.kind === 'module' && dll === undefined) return { kind: 'module', entry: inspection.entry ?? '', version: manifestVersion ?? '' };
  const files = [...new Set(inspection.connectors.map((connector) => connector.file))];
  const wanted =
    dll === undefined ? undefined : files.find((file) => basename(file).toLowerCase() === dll.toLowerCase() || file.toLowerCase() === dll.toLowerCase());
  if (dll !== undefined && wanted === undefined)
    throw new PackageError('invalid', `${dll} is no connector DLL of this package; ${files.length === 0 ? 'there is none' : `there are ${files.join(', ')}`}`);
  if (files.length === 0) throw new PackageError('invalid', noConnector(inspection));
  if (wanted === undefined && files.length > 1)
    throw new PackageError('invalid', `several DLLs are connectors: say which one with --dll (${files.join(', ')})`);
  const entry = wanted ?? files[0] ?? '';
  return { kind: 'ecma2', entry, version: manifestVersion ?? inspection.assemblies.find((one) => one.file === entry)?.version ?? '' };
}

function noConnector(inspection: Inspection): string {
  const [finding] = inspection.findings.filter((one) => one.grade === 'unusable');
  if (finding !== undefined) return `${finding.what} (${finding.where}): ${finding.advice}`;
  return 'there is no connector in it: neither a DLL that implements ECMA2 nor a module (package.json with exports, or index.ts)';
}
