import { existsSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ConfigurationProblem } from '@landbridge/server';
import type { Command } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { type CommonOptions, print, style } from '../output.ts';
import { common, example, onHost, readText } from './command.ts';
import type { ConnectorLine } from './connector-commands.ts';
import { type ConfigurationChange, describeChanges } from './describe-changes.ts';
import { findMissedDeletes } from './missed-deletes.ts';
import { findParameterProblems } from './parameter-problems.ts';

/** The host names places of the text; a person needs the file too. @throws CommandError when there are problems. */
function refuseProblems(file: string, problems: readonly ConfigurationProblem[]): void {
  if (problems.length === 0) return;
  const lines = problems.map(({ line, column, path, message }) => `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`);
  throw new CommandError(exitCode.refused, lines.join('\n'));
}

/** `validate`, `apply`, `diff`, `export`. */
export function addConfigurationCommands(program: Command): void {
  example(
    common(program.command('validate').description('Check a configuration file; needs no host').argument('<file>')).action(
      async (file: string, _options, command: Command) => {
        const options = command.optsWithGlobals() as CommonOptions;
        const { parseConfiguration, formatProblem } = await import('@landbridge/server');
        const text = readText(file);
        const parsed = parseConfiguration(text);
        const { document } = parsed;
        const problems = document === undefined ? parsed.problems : await findParameterProblems(document, text, file);
        const warnings = document === undefined || problems.length > 0 ? [] : await findMissedDeletes(document, file);
        print(options, { valid: problems.length === 0, problems, warnings }, () =>
          problems.length === 0
            ? [`${file} is valid`, ...warnings.map((one) => `${style.warn('warning:')} ${one}`)].join('\n')
            : problems.map((problem) => formatProblem(file, problem)).join('\n'),
        );
        if (problems.length > 0) process.exitCode = exitCode.failed;
      },
    ),
    'landbridge validate landbridge.yaml',
  );
  example(
    common(program.command('apply').description('Apply a configuration file to the running host').argument('<file>')).action(
      onHost<[string]>(async (host, options, file) => {
        const text = readText(file);
        const { problems } = await host.send<{ readonly problems: readonly ConfigurationProblem[] }>('POST', '/configuration/validate', text);
        refuseProblems(file, problems);
        const folder = encodeURIComponent(statSync(file).isFile() ? dirname(resolve(file)) : process.cwd());
        const result = await host.send<{ readonly revision: number; readonly unchanged?: boolean; readonly warnings: readonly string[] }>(
          'PUT',
          `/configuration?folder=${folder}`,
          text,
        );
        const failed = (await host.get<readonly ConnectorLine[]>('/connectors')).filter((one) => one.state === 'failed');
        print(options, { ...result, failed: failed.map(({ name, problem }) => ({ name, problem })) }, () =>
          [
            result.unchanged === true ? `no differences: revision ${result.revision} stays in force` : `applied as revision ${result.revision}`,
            ...result.warnings.map((one) => `${style.warn('warning:')} ${one}`),
            ...failed.map((one) => `${style.warn('warning:')} the connector "${one.name}" cannot be opened: ${one.problem ?? ''}`),
          ].join('\n'),
        );
      }),
    ),
    'landbridge apply landbridge.yaml',
  );
  example(
    common(program.command('diff').description('What applying a configuration file would change').argument('<file>')).action(
      onHost<[string]>(async (host, options, file) => {
        const result = await host.send<{
          readonly problems: readonly ConfigurationProblem[];
          readonly changes: readonly ConfigurationChange[];
          readonly warnings: readonly string[];
        }>('POST', '/configuration/diff', readText(file));
        refuseProblems(file, result.problems);
        print(options, result.changes, (changes) => [describeChanges(changes), ...result.warnings.map((one) => `${style.warn('warning:')} ${one}`)].join('\n'));
      }),
    ),
    'landbridge diff landbridge.yaml',
  );
  example(
    common(
      program
        .command('export')
        .description('The configuration in force, as YAML')
        .option('--out <file>', 'write it to a file')
        .option('--force', 'also to one that is there'),
    ).action(
      onHost(async (host, options) => {
        const out = options['out'];
        // A file that is there has comments and an order that the host does not know.
        if (typeof out === 'string' && existsSync(out) && options['force'] !== true)
          throw new CommandError(exitCode.refused, `the file ${out} exists already`, 'name another one with --out, or overwrite it with --force');
        const result = await host.get<{ readonly revision: number; readonly text: string }>('/configuration');
        if (typeof out === 'string') writeFileSync(out, result.text);
        print(options, result, () => (typeof out === 'string' ? `revision ${result.revision} written to ${out}` : result.text.trimEnd()));
      }),
    ),
    'landbridge export --out in-force.yaml',
  );
}
