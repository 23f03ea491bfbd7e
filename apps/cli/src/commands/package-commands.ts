import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectSource, openPackageStore, PackageError, signDigest } from '@landbridge/package-store';
import type { Command } from 'commander';
import { CommandError, dataFolderOf, exitCode } from '../admin-client.ts';
import { type CommonOptions, print } from '../output.ts';
import { common, example, readText } from './command.ts';
import { formatInspection } from './show-inspection.ts';

/** `package inspect`, `sign`. */
export function addPackageCommands(program: Command): void {
  const group = program.command('package').description('Connector packages: inspect, sign');
  example(
    common(
      group
        .command('inspect')
        .description('Look into a connector without running it: what it is, where it runs, what it lacks')
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
  example(
    common(
      group
        .command('sign')
        .description('Sign the content of a package with a key of your own (Ed25519)')
        .argument('<source>', 'a folder or a .zip')
        .requiredOption('--key <file>', 'private key in PEM: openssl genpkey -algorithm ed25519 -out key.pem')
        .option('--out <file>', 'where the signature goes (default: beside the source, .sig)'),
    ).action(async (source: string, _options, command: Command) => {
      const options = command.optsWithGlobals() as CommonOptions & { readonly key: string; readonly out?: string };
      const { digest } = await refusing(() => inspectSource(source, join(tmpdir(), 'landbridge-packages')));
      const signature = await refusing(async () => signDigest(digest, readText(options.key)));
      const out = options.out ?? `${source.replace(/[/\\]+$/, '')}.sig`;
      writeFileSync(out, `${signature}\n`);
      print(options, { digest, signature: out }, () => `signed ${digest} in ${out}`);
    }),
    'landbridge package sign hr-connector.zip --key operations.pem',
  );
}

async function inspect(source: string, options: CommonOptions): ReturnType<typeof inspectSource> {
  if (existsSync(source)) return refusing(() => inspectSource(source, join(tmpdir(), 'landbridge-packages')));
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
