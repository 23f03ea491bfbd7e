import type { Command } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { print, style, table, when } from '../output.ts';
import { readSecretValue } from '../read-secret-value.ts';
import { common, example, onHost } from './command.ts';

interface SecretLine {
  readonly name: string;
  readonly updatedAt?: number;
  readonly updatedBy?: string;
  readonly usedBy: readonly string[];
  readonly missing: boolean;
}

/** `secret set`, `secret list`, `secret remove`, `secret rotate`. */
export function addSecretCommands(program: Command): void {
  const secret = program.command('secret').description('Secrets of connectors, encrypted at rest: ${secret:NAME} in the configuration');
  example(
    common(secret.command('set').description('Store a secret; its value is read from standard input, never from an argument').argument('<name>')).action(
      onHost<[string]>(async (host, options, name) => {
        const value = await readSecretValue(name);
        if (value === '') throw new CommandError(exitCode.usage, 'the value is empty', `landbridge secret set ${name} < file-with-the-value`);
        const result = await host.send<{ readonly name: string; readonly reopened: readonly string[] }>('PUT', `/secrets/${encodeURIComponent(name)}`, {
          value,
        });
        print(options, result, () =>
          result.reopened.length === 0
            ? `the secret "${name}" is stored; refer to it as ${`\${secret:${name}}`}`
            : `the secret "${name}" is stored; opened again: ${result.reopened.join(', ')}`,
        );
      }),
    ),
    'landbridge secret set hr-password < password.txt',
    'landbridge secret set hr-password',
  );
  example(
    common(secret.command('list').description('Names of all secrets, and what refers to them; never a value')).action(
      onHost(async (host, options) => {
        const list = await host.get<readonly SecretLine[]>('/secrets');
        print(options, list, () =>
          list.length === 0
            ? 'there are no secrets; store one with: landbridge secret set NAME'
            : table(
                ['secret', 'used by', 'changed', 'by'],
                list.map((one) => [one.name, one.usedBy.join(', '), one.missing ? style.bad('missing') : when(one.updatedAt), one.updatedBy]),
              ),
        );
      }),
    ),
    'landbridge secret list',
  );
  example(
    common(secret.command('remove').description('Remove a secret that nothing refers to').argument('<name>')).action(
      onHost<[string]>(async (host, options, name) => {
        const result = await host.send<{ readonly removed: string }>('DELETE', `/secrets/${encodeURIComponent(name)}`);
        print(options, result, () => `the secret "${result.removed}" is removed`);
      }),
    ),
    'landbridge secret remove hr-password',
  );
  example(
    common(secret.command('rotate').description('Seal every secret anew under new keys')).action(
      onHost(async (host, options) => {
        const result = await host.send<{ readonly secrets: number; readonly keyChanged: boolean }>('POST', '/secrets/rotate');
        print(
          options,
          result,
          () =>
            `${result.secrets} secrets are sealed under a new data key${result.keyChanged ? ', which is wrapped by a new key in secrets.key: back that file up' : ''}`,
        );
      }),
    ),
    'landbridge secret rotate',
  );
}
