import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { convertMim, detectShapeOf, type MimConversion, MimImportError, type MimReport, mergeReadings, readMim } from '@landbridge/mim-import';
import { type Inspection, inspectSource, PackageError } from '@landbridge/package-store';
import { type Command, Option } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { type CommonOptions, print, style, table } from '../output.ts';
import { common, example } from './command.ts';
import { matchPackage, type PackageMatch } from './match-package.ts';
import { formatInspection } from './show-inspection.ts';

interface ImportOptions extends CommonOptions {
  readonly package?: string;
  readonly dll?: string;
  readonly hostConfig?: string;
  readonly madata?: string;
  readonly out?: string;
  readonly force?: boolean;
  readonly secrets?: 'env' | 'store';
}

/** `import`. */
export function addImportCommand(program: Command): void {
  example(
    common(
      program
        .command('import')
        .description('Turn an exported MIM management agent, or the configuration of an Entra ECMA Connector Host, into configuration')
        .argument('<file>', 'the XML, or the folder of a server export (MA-{…}.XML and MV.XML)')
        .option('--package <folder>', "folder with the connector's DLL and everything it needs")
        .option('--dll <name>', 'the DLL, where it is not the one that the XML names')
        .option(
          '--host-config <file>',
          'configuration file of the old service (miiserver.exe.config, Microsoft.ECMA2Host.Service.exe.config): DLLs read their settings from it',
        )
        .option('--madata <folder>', "the connector's data files of the old server (MaData): first content of its own folder")
        .option('--out <file>', 'where the configuration goes; rules that have no counterpart go beside it, as .rules.json', 'landbridge.yaml')
        .addOption(
          new Option('--secrets <where>', 'what secrets become: references to environment variables, or to the secret store of the host')
            .choices(['env', 'store'])
            .default('env'),
        )
        .option('--force', 'overwrite what is there'),
    ).action(async (file: string, _options, command: Command) => importFile(file, command.optsWithGlobals() as ImportOptions)),
    'landbridge import HR.xml --package ./hr-connector',
    'landbridge import ./server-export --package ./hr-connector --out hr.yaml',
    'landbridge import Configuration.xml --package "./ECMA" --dll Acme.HrCloud.Ecma2.dll --json',
  );
}

async function importFile(file: string, options: ImportOptions): Promise<void> {
  const out = resolve(options.out ?? 'landbridge.yaml');
  const rulesFile = `${out.replace(/\.(ya?ml|json)$/i, '')}.rules.json`;
  for (const target of [out, rulesFile])
    if (existsSync(target) && options.force !== true)
      throw new CommandError(exitCode.refused, `the file ${target} exists already`, 'choose another one with --out, or overwrite it with --force');
  const folder = options.package;
  const library = findLibrary(folder, options.dll);
  const { conversion, refused } = convert(file, {
    directory: folder === undefined ? './connector-package' : fromFolder(dirname(out), folder),
    ...(library === undefined ? {} : { library }),
    secretsIn: options.secrets === 'store' ? 'secret' : 'env',
    ...(options.hostConfig === undefined ? {} : { hostConfiguration: fromFolder(dirname(out), existing(options.hostConfig)) }),
    ...(options.madata === undefined ? {} : { files: fromFolder(dirname(out), existing(options.madata)) }),
  });
  const missing = folder === undefined ? [] : missingLibraries(folder, conversion.report);
  const inspection = folder === undefined ? undefined : await inspectFolder(folder);
  const written: string[] = [];
  const matches: PackageMatch[] = [];
  const unfinished: string[] = [];
  if (conversion.yaml !== undefined) {
    const { parseConfiguration, formatProblem } = await import('@landbridge/server');
    const { document, problems } = parseConfiguration(conversion.yaml);
    writeFileSync(out, conversion.yaml);
    written.push(out);
    unfinished.push(...problems.map((problem) => formatProblem(out, problem)));
    if (problems.length === 0 && inspection?.kind === 'ecma2' && missing.length === 0)
      for (const [name, configured] of Object.entries(document?.connectors ?? {})) matches.push(await matchPackage(name, configured, dirname(out)));
  }
  if (hasRules(conversion)) {
    writeFileSync(rulesFile, `${JSON.stringify(conversion.rules, undefined, 2)}\n`);
    written.push(rulesFile);
  }
  print(options, { files: written, refused, missing, package: inspection, matches, report: conversion.report }, () =>
    formatReport(conversion.report, { written, refused, missing, inspection, matches }),
  );
  if (conversion.yaml === undefined) process.exitCode = exitCode.refused;
  if (unfinished.length > 0)
    throw new CommandError(
      exitCode.failed,
      `${out} was written and needs work before it is valid:\n${unfinished.join('\n')}`,
      'the report above says what is missing, under "To decide"',
    );
}

type Location = Parameters<typeof convertMim>[1];

/** A file that is refused, with the reason: a server export also holds agents of other kinds. */
interface Refused {
  readonly file: string;
  readonly reason: string;
}

function convert(path: string, location: Location): { readonly conversion: MimConversion; readonly refused: readonly Refused[] } {
  if (!existsSync(path)) throw new CommandError(exitCode.usage, `there is no file ${path}`);
  const files = statSync(path).isDirectory() ? xmlFilesIn(path) : [path];
  if (files.length === 0) throw new CommandError(exitCode.usage, `the folder ${path} has no XML files`);
  const metaverseFile = files.map(metaverseOf).find((found) => found !== undefined);
  const metaverse = metaverseFile === undefined ? undefined : readFileSync(metaverseFile);
  const refused: Refused[] = [];
  const readings = files.flatMap((file) => {
    if (files.length > 1 && file === metaverseFile) return [];
    try {
      return [readMim(readFileSync(file), file === metaverseFile ? undefined : metaverse)];
    } catch (error) {
      if (!(error instanceof MimImportError)) throw error;
      if (files.length === 1) throw new CommandError(exitCode.refused, `${file}: ${error.message}`);
      refused.push({ file: basename(file), reason: error.message });
      return [];
    }
  });
  if (readings.length === 0)
    throw new CommandError(exitCode.refused, `none of the files in ${path} can be imported:\n${refused.map((one) => `${one.file}: ${one.reason}`).join('\n')}`);
  return { conversion: convertMim(mergeReadings(readings), location), refused };
}

function xmlFilesIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => /\.xml$/i.test(name))
    .sort()
    .map((name) => join(folder, name));
}

/** `MV.XML` beside an agent of a server export holds its import flows. What cannot be read is told by who reads it whole. */
function metaverseOf(file: string): string | undefined {
  if (shapeOf(file) !== 'server-export-agent') return undefined;
  const found = readdirSync(dirname(resolve(file))).find((name) => /^mv\.xml$/i.test(name));
  return found === undefined ? undefined : join(dirname(file), found);
}

function shapeOf(file: string): ReturnType<typeof detectShapeOf> | undefined {
  try {
    return detectShapeOf(readFileSync(file));
  } catch (error) {
    if (error instanceof MimImportError) return undefined;
    throw error;
  }
}

function findLibrary(folder: string | undefined, dll: string | undefined): string | undefined {
  if (folder !== undefined && !(existsSync(folder) && statSync(folder).isDirectory())) throw new CommandError(exitCode.usage, `there is no folder ${folder}`);
  if (dll === undefined) return undefined;
  const name = /\.(dll|exe)$/i.test(dll) ? dll : `${dll}.dll`;
  if (folder === undefined) return name;
  const found = readdirSync(folder).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (found === undefined) throw new CommandError(exitCode.usage, `the folder ${folder} has no ${name}; it has ${dllsIn(folder).join(', ') || 'no DLL'}`);
  return found;
}

function dllsIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => /\.dll$/i.test(name));
}

function missingLibraries(folder: string, report: MimReport): readonly string[] {
  const present = new Set(dllsIn(folder).map((name) => name.toLowerCase()));
  return [...new Set(report.connectors.map((connector) => connector.library))].filter((name) => name !== '' && !present.has(name.toLowerCase()));
}

/** What the package is and lacks; a folder that cannot be read as a package stops the import. */
async function inspectFolder(folder: string): Promise<Inspection> {
  try {
    return (await inspectSource(folder)).inspection;
  } catch (error) {
    if (error instanceof PackageError) throw new CommandError(exitCode.refused, `${folder}: ${error.message}`);
    throw error;
  }
}

function existing(path: string): string {
  if (!existsSync(path)) throw new CommandError(exitCode.usage, `there is no ${path}`);
  return path;
}

/** A path as the configuration names it: relative to its own folder, with forward slashes. */
function fromFolder(folder: string, path: string): string {
  if (isAbsolute(path)) return path;
  const inside = relative(folder, resolve(path)).replaceAll('\\', '/');
  return inside.startsWith('.') ? inside : `./${inside}`;
}

function hasRules({ rules }: MimConversion): boolean {
  return (
    rules.metaverse !== undefined ||
    rules.connectors.some(
      ({ rules: one }) =>
        [one.filters, one.joins, one.projections, one.exportFlows, one.importFlows].some((list) => list.length > 0) || one.rulesExtension !== '',
    )
  );
}

/** The report for a person. */
function formatReport(
  report: MimReport,
  more: {
    readonly written: readonly string[];
    readonly refused: readonly Refused[];
    readonly missing: readonly string[];
    readonly inspection: Inspection | undefined;
    readonly matches: readonly PackageMatch[];
  },
): string {
  const parts: string[] = [];
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) parts.push(`${style.bold(title)}\n${lines.join('\n')}`);
  };
  section(
    'Converted',
    report.connectors.map(
      (connector) =>
        `  ${style.good('✓')} ${connector.name}${connector.library === '' ? '' : ` (${connector.library})`}: ${Object.entries(connector.converted)
          .map(([what, count]) => `${count} ${what}`)
          .join(', ')}`,
    ),
  );
  section(
    'Refused',
    more.refused.map((one) => `  ${style.bad('✗')} ${one.file}: ${one.reason}`),
  );
  section(
    'DLLs that are not in the package folder',
    more.missing.map((name) => `  ${style.bad('✗')} ${name}`),
  );
  if (more.inspection !== undefined) parts.push(`${style.bold('Package')}\n${formatInspection(more.inspection)}`);
  section(
    'Compared with the package itself',
    more.matches.flatMap((match) => [
      `  ${style.good('✓')} ${match.connector}: ${match.matched} parameters that it asks for`,
      ...match.differences.map((one) => `  ${style.warn('•')} ${match.connector}: ${one}`),
    ]),
  );
  if (report.secrets.length > 0)
    parts.push(
      `${style.bold('Secrets to supply')} (${report.secrets[0]?.reference.startsWith('${env:') === true ? 'as environment variables of the host' : 'with landbridge secret set NAME, on the running host'})\n${table(
        ['name', 'parameter', 'where', ''],
        report.secrets.map((secret) => [
          secret.name,
          secret.parameter,
          secret.where,
          secret.why === 'encrypted' ? '' : 'plain in MIM; its name sounds like a secret',
        ]),
      )}`,
    );
  const notes = (kind: MimReport['notes'][number]['kind']): readonly string[] =>
    report.notes
      .filter((note) => note.kind === kind)
      .map(
        (note) =>
          `  ${style.warn('•')} ${report.connectors.length > 1 && note.connector !== undefined ? `${note.connector}, ` : ''}${note.subject}: ${note.message}`,
      );
  section('To decide', notes('decide'));
  section('Without counterpart', [
    ...notes('no-counterpart'),
    ...report.reported.map((one) => `  ${style.warn('•')} line ${one.line}: ${one.reason}${one.count > 1 ? ` (${one.count} times)` : ''}`),
  ]);
  section('Odd in the file', notes('warning'));
  section(
    'Not understood',
    report.notUnderstood.map((one) => `  ${style.bad('?')} line ${one.line}: ${one.path}${one.count > 1 ? ` (${one.count} times)` : ''}`),
  );
  section(
    'Put aside: state of the old system',
    report.ignored.map((one) => style.dim(`  ${one.reason}${one.count > 1 ? ` (${one.count})` : ''}`)),
  );
  section(
    'Written',
    more.written.map((file) => `  ${file}`),
  );
  const [configuration] = more.written;
  if (configuration !== undefined && report.connectors.length > 0)
    section('Next', [
      ...(more.inspection !== undefined ? [] : ['  put the DLL and everything beside it into the folder that parameters.directory names']),
      `  landbridge validate ${configuration}`,
      `  landbridge up --config ${configuration}`,
    ]);
  return parts.join('\n\n');
}
