import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Finding, gradeTexts, type InstalledPackage, inspectSource, openPackageStore, PackageError, signDigest } from '@landbridge/package-store';
import type { Command } from 'commander';
import { CommandError, dataFolderOf, exitCode } from '../admin-client.ts';
import { type CommonOptions, print, style, table, when } from '../output.ts';
import { common, example, type Json, onHost, readText } from './command.ts';
import { formatFindings, formatInspection } from './show-inspection.ts';

type ListedPackage = InstalledPackage & { readonly connectors: readonly string[] };

/** What the host says of a change of version. */
interface Changed {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly changed: boolean;
  readonly connectors: readonly string[];
}

/** `package add`, `list`, `inspect`, `update`, `rollback`, `remove`, `sign`. */
export function addPackageCommands(program: Command): void {
  const group = program.command('package').description('Connector packages: add, list, inspect, update, rollback, remove, sign');
  addAddCommand(group);
  addListCommand(group);
  addInspectCommand(group);
  addUpdateCommand(group);
  addRollbackCommand(group);
  addRemoveCommand(group);
  addSignCommand(group);
}

function addAddCommand(group: Command): void {
  example(
    common(
      group
        .command('add')
        .description('Install a connector: a folder with a DLL and everything it needs, or a module; or a .zip of one')
        .argument('<source>', 'a folder or a .zip on the machine of the host')
        .option('--name <name>', 'its name in the configuration (default: as its manifest or its file says)')
        .option('--release <version>', 'its version (default: as its manifest or its DLL says)')
        .option('--dll <name>', 'the DLL, where several are connectors')
        .option('--signature <file>', 'signature of its content (default: the source with .sig, where that is there)'),
    ).action(
      onHost<[string]>(async (host, options, source) => {
        const added = await host.send<{
          readonly name: string;
          readonly isNew: boolean;
          readonly current: boolean;
          readonly version: { readonly version: string; readonly digest: string; readonly grade: keyof typeof gradeTexts };
          readonly findings: readonly Finding[];
        }>('POST', '/packages', sourceBody(source, options));
        print(
          options,
          added,
          () =>
            `${added.isNew ? 'installed' : 'installed already:'} ${added.name} ${added.version.version} (${added.version.digest.slice(0, 12)}), ${gradeTexts[added.version.grade]}\n${formatFindings(
              added.findings,
            )
              .map((line) => `${line}\n`)
              .join('')}${
              added.current
                ? `use it in the configuration: package: ${added.name}`
                : `put it to use with: landbridge package update ${added.name} --release ${added.version.version}`
            }`,
        );
      }),
    ),
    'landbridge package add ./hr-connector',
    'landbridge package add hr-2.1.zip --name hr --signature hr-2.1.zip.sig',
  );
}

function sourceBody(source: string, options: Json): Json {
  const given = options['signature'];
  const beside = `${source.replace(/[/\\]+$/, '')}.sig`;
  const file = typeof given === 'string' ? given : existsSync(beside) ? beside : undefined;
  const text = (key: string, name: string): Json => (typeof options[key] === 'string' ? { [name]: options[key] } : {});
  return {
    source: resolve(source),
    ...text('name', 'name'),
    ...text('release', 'version'),
    ...text('dll', 'dll'),
    ...(file === undefined ? {} : { signature: readFileSync(file, 'utf8').trim() }),
  };
}

function addListCommand(group: Command): void {
  example(
    common(group.command('list').description('Installed packages, their versions, and who uses them')).action(
      onHost(async (host, options) => {
        const packages = await host.get<readonly ListedPackage[]>('/packages');
        print(options, packages, () =>
          packages.length === 0
            ? 'there are no packages; add one with: landbridge package add'
            : table(
                ['package', 'version', 'digest', 'kind', 'runs', 'signed by', 'added', 'used by'],
                packages.flatMap((one) =>
                  one.versions.map((version) => [
                    one.name,
                    version.digest === one.current ? style.good(`${version.version} ●`) : version.version,
                    version.digest.slice(0, 12),
                    version.kind,
                    gradeTexts[version.grade],
                    version.signedBy ?? '',
                    when(version.addedAt),
                    version.digest === one.current ? one.connectors.join(', ') : '',
                  ]),
                ),
              ),
        );
      }),
    ),
    'landbridge package list',
  );
}

function addInspectCommand(group: Command): void {
  example(
    common(
      group
        .command('inspect')
        .description('Look into a connector without running it: what it is, where it runs, what it lacks; needs no host')
        .argument('<source>', 'a folder, a .zip, or the name of an installed package'),
    ).action(async (source: string, _options, command: Command) => {
      const options = command.optsWithGlobals() as CommonOptions;
      const { inspection, digest } = await inspect(source, options);
      print(options, { digest, ...inspection }, () => `${formatInspection(inspection)}\n\ndigest ${digest}`);
      if (inspection.grade === 'unusable') process.exitCode = exitCode.refused;
    }),
    'landbridge package inspect ./hr-connector',
    'landbridge package inspect hr-connector.zip --json',
  );
}

function addUpdateCommand(group: Command): void {
  example(
    common(
      group
        .command('update')
        .description('Put another version to use without stopping the host; on failure it stays with the old one')
        .argument('<package>')
        .argument('[source]', 'a folder or a .zip with the new version, which is added first')
        .option('--release <version>', 'a version that is installed already, by name or digest')
        .option('--dll <name>', 'the DLL, where several are connectors')
        .option('--signature <file>', 'signature of its content'),
    ).action(
      onHost<[string, string | undefined]>(async (host, options, name, source) => {
        if ((source === undefined) === (options['release'] === undefined))
          throw new CommandError(exitCode.usage, 'give the folder or .zip of the new version, or --release for one that is installed');
        const body = source === undefined ? { version: options['release'] } : sourceBody(source, options);
        showChange(options, await host.send<Changed>('POST', `/packages/${encodeURIComponent(name)}/update`, body), 'updated');
      }),
    ),
    'landbridge package update hr ./hr-connector-2.1',
    'landbridge package update hr --release 2.1.0.4',
  );
}

function addRollbackCommand(group: Command): void {
  example(
    common(
      group
        .command('rollback')
        .description("Go back to the version before; the connectors' own files are put back as that version left them")
        .argument('<package>')
        .option('--release <version>', 'another version than the one before'),
    ).action(
      onHost<[string]>(async (host, options, name) => {
        const body = options['release'] === undefined ? {} : { version: options['release'] };
        showChange(options, await host.send<Changed>('POST', `/packages/${encodeURIComponent(name)}/rollback`, body), 'rolled back');
      }),
    ),
    'landbridge package rollback hr',
  );
}

function showChange(options: CommonOptions, result: Changed, what: string): void {
  print(options, result, () =>
    result.changed
      ? `${what} ${result.name}: ${result.from} → ${result.to}${result.connectors.length === 0 ? '; no connector uses it' : `; handed over: ${result.connectors.join(', ')}`}`
      : `${result.name} ${result.to} is in use already`,
  );
}

function addRemoveCommand(group: Command): void {
  example(
    common(
      group
        .command('remove')
        .description('Remove a package that no connector uses, or one version that is not in use')
        .argument('<package>')
        .option('--release <version>', 'just this version'),
    ).action(
      onHost<[string]>(async (host, options, name) => {
        const query = options['release'] === undefined ? '' : `?version=${encodeURIComponent(String(options['release']))}`;
        const removed = await host.send<Json>('DELETE', `/packages/${encodeURIComponent(name)}${query}`);
        print(options, removed, () => `removed ${name}${query === '' ? '' : ` ${String(options['release'])}`}`);
      }),
    ),
    'landbridge package remove hr --release 2.0.0.0',
  );
}

function addSignCommand(group: Command): void {
  example(
    common(
      group
        .command('sign')
        .description('Sign the content of a package with a key of your own (Ed25519); needs no host')
        .argument('<source>', 'a folder or a .zip')
        .requiredOption('--key <file>', 'private key in PEM: openssl genpkey -algorithm ed25519 -out key.pem')
        .option('--out <file>', 'where the signature goes (default: beside the source, .sig)'),
    ).action(async (source: string, _options, command: Command) => {
      const options = command.optsWithGlobals() as CommonOptions & { readonly key: string; readonly out?: string };
      const { digest } = await refusing(() => inspectSource(source));
      const signature = await refusing(async () => signDigest(digest, readText(options.key)));
      const out = options.out ?? `${source.replace(/[/\\]+$/, '')}.sig`;
      writeFileSync(out, `${signature}\n`);
      print(options, { digest, signature: out }, () => `signed ${digest} in ${out}`);
    }),
    'landbridge package sign hr-connector.zip --key operations.pem',
  );
}

async function inspect(source: string, options: CommonOptions): ReturnType<typeof inspectSource> {
  if (existsSync(source)) return refusing(() => inspectSource(source));
  const store = openPackageStore(dataFolderOf(options.data));
  const installed = store.get(source);
  if (installed === undefined) throw new CommandError(exitCode.usage, `there is no file, folder or installed package "${source}"`);
  return refusing(async () => ({ inspection: store.inspect(installed.current), digest: installed.current }));
}

/** What a package is refused for is a sentence already. */
async function refusing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PackageError) throw new CommandError(exitCode.refused, error.message);
    throw error;
  }
}
