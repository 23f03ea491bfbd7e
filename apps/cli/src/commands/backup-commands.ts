import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CommandError, dataFolderOf, exitCode } from '../admin-client.ts';
import { type CommonOptions, print, when } from '../output.ts';
import { common, example, onHost } from './command.ts';

/** `backup`, `restore`. */
export function addBackupCommands(program: Command): void {
  example(
    common(program.command('backup').description('Copy the state of the running host into a new folder').argument('<folder>')).action(
      onHost<[string]>(async (host, options, folder) => {
        const result = await host.send<{ readonly target: string; readonly connectors: readonly string[] }>('POST', '/backup', { target: resolve(folder) });
        print(
          options,
          result,
          () =>
            `${result.target} holds the configuration, the tokens, the keys of the host, and the state of ${result.connectors.join(', ') || 'no connector'}\nnot in it: the key that the secrets are encrypted with (secrets.key, or where LANDBRIDGE_SECRET_KEY_FILE points); keep a copy of it apart`,
        );
      }),
    ),
    'landbridge backup /backup/landbridge-2026-11-25',
  );
  example(
    common(program.command('restore').description('Make a data folder of a backup; needs no host').argument('<folder>'))
      .option('--store <url>', 'another PostgreSQL database for the state, password by reference; default is the one of the backup')
      .action(async (folder: string, _options, command: Command) => {
        const options = command.optsWithGlobals() as CommonOptions & { readonly store?: string };
        const { BackupError, restoreBackup } = await import('@landbridge/server');
        const data = dataFolderOf(options.data);
        try {
          const manifest = await restoreBackup(resolve(folder), data, options.store);
          print(
            options,
            { ...manifest, data },
            () =>
              `${data} is as it was at ${when(manifest.at)}. The applications went on since: after the start (landbridge up --data ${data}) each connector imports first, and writes wait until then.`,
          );
        } catch (error) {
          if (error instanceof BackupError) throw new CommandError(exitCode.refused, error.message);
          throw error;
        }
      }),
    'landbridge restore /backup/landbridge-2026-11-25 --data ./data',
  );
}
