import type { Command } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { print, style, table, when } from '../output.ts';
import { common, example, type Json, onHost, wholeNumber } from './command.ts';

/** `token create`, `token list`, `token revoke`. */
export function addTokenCommands(program: Command): void {
  const token = program.command('token').description('Tokens of SCIM clients and administrators');
  example(
    common(
      token
        .command('create')
        .description('Issue a token; it is shown once')
        .argument('[connector]')
        .option('--admin', 'a token for the admin API')
        .option('--metrics', 'a token for /metrics alone')
        .option('--profile <name>', 'dialect: strict, lenient, entra, okta, aws-style, ping', 'lenient')
        .option('--client <name>', 'the client that it belongs to: the scope of external ids, which outlives its tokens', 'default')
        .option('--operations <list>', 'what it may do: some of read,create,update,delete (default: everything)')
        .option('--types <list>', 'the resource types that it may use, such as User (default: all)')
        .option('--attributes <list>', 'the attributes that it may see and write, such as userName,emails (default: all)')
        .option('--me <id>', 'the user that it acts as: who /Me is')
        .option('--grant <kind>', 'client-credentials: its id and secret are exchanged for access tokens at /oauth2/token')
        .option('--label <text>', 'what it is for', '')
        .option('--days <number>', 'days until it ends', wholeNumber(1, 3650), '365'),
    ).action(
      onHost<[string | undefined]>(async (host, options, connector) => {
        if (connector === undefined && options['admin'] !== true && options['metrics'] !== true)
          throw new CommandError(exitCode.usage, 'name the connector that the token is for', 'landbridge token create hr --profile entra');
        const created = await host.send<{ readonly id: string; readonly token: string }>('POST', '/tokens', {
          connector,
          admin: options['admin'] === true,
          metrics: options['metrics'] === true,
          profile: options['profile'],
          client: options['client'],
          ...(options['operations'] === undefined ? {} : { operations: String(options['operations']).split(',') }),
          ...(options['types'] === undefined ? {} : { resourceTypes: String(options['types']).split(',') }),
          ...(options['attributes'] === undefined ? {} : { attributes: String(options['attributes']).split(',') }),
          ...(options['me'] === undefined ? {} : { me: options['me'] }),
          ...(options['grant'] === undefined ? {} : { grant: options['grant'] }),
          label: options['label'],
          days: Number(options['days']),
        });
        print(options, created, () => {
          const once = style.dim(`This is the only time that it is shown. Its id is ${created.id}.`);
          return options['grant'] === undefined ? `${created.token}\n${once}` : `client id      ${created.id}\nclient secret  ${created.token}\n${once}`;
        });
      }),
    ),
    'landbridge token create hr --profile entra --label "Entra ID"',
    'landbridge token create hr --client phone-book --operations read --types User --attributes userName,name,phoneNumbers',
    'landbridge token create --metrics --label Prometheus',
  );
  example(
    common(token.command('list').description('All tokens, without their secrets')).action(
      onHost(async (host, options) => {
        const list = await host.get<readonly (Json & { readonly scope: Json })[]>('/tokens');
        const time = (value: unknown): string => (typeof value === 'number' ? when(value) : '');
        print(options, list, () =>
          table(
            ['id', 'for', 'client', 'may', 'profile', 'label', 'created', 'ends', 'last used', 'revoked'],
            list.map((one) => [
              String(one['id']),
              String(one.scope['connector'] ?? one.scope['kind']),
              one.scope['kind'] === 'scim' ? String(one.scope['client'] ?? 'default') : '',
              ((one.scope['operations'] as readonly string[] | undefined) ?? ['everything']).join(', '),
              String(one.scope['profile'] ?? ''),
              String(one['label']),
              time(one['createdAt']),
              time(one['expiresAt']),
              time(one['lastUsedAt']),
              time(one['revokedAt']),
            ]),
          ),
        );
      }),
    ),
    'landbridge token list',
  );
  example(
    common(token.command('revoke').description('Revoke a token at once').argument('<id>')).action(
      onHost<[string]>(async (host, options, id) => {
        const result = await host.send<{ readonly revoked: string }>('DELETE', `/tokens/${encodeURIComponent(id)}`);
        print(options, result, () => `token ${result.revoked} is revoked`);
      }),
    ),
    'landbridge token revoke AbCdEf123456',
  );
}
