import type { Command } from 'commander';
import { print, table, when } from '../output.ts';
import { common, example, type Json, onHost } from './command.ts';

/** `events list`, `events rotate-key`. */
export function addEventsCommands(program: Command): void {
  const events = program.command('events').description('Security event tokens: what receivers are told of changes');
  example(
    common(events.command('list').description('Streams of a connector: what waits, and why').argument('<connector>')).action(
      onHost<[string]>(async (host, options, connector) => {
        const rows = await host.get<readonly Json[]>(`/connectors/${encodeURIComponent(connector)}/events`);
        print(options, rows, () =>
          rows.length === 0
            ? `${connector} has no event streams; see "events" in docs/guide/events.md`
            : table(
                ['stream', 'delivery', 'waiting', 'oldest', 'refused', 'problem'],
                rows.map((row) => [
                  String(row['name']),
                  row['delivery'] === 'push' ? `push to ${String(row['url'])}` : 'poll',
                  String(row['waiting']),
                  row['oldest'] === undefined ? undefined : when(Number(row['oldest'])),
                  String(row['failed']),
                  row['problem'] === undefined ? undefined : String(row['problem']),
                ]),
              ),
        );
      }),
    ),
    'landbridge events list hr',
  );
  example(
    common(events.command('rotate-key').description('Sign with a new key from now on; the old one stays published for 45 days')).action(
      onHost<[]>(async (host, options) => {
        const rotated = await host.send<{ readonly kid: string }>('POST', '/events/rotate-key', {});
        print(options, rotated, () => `key ${rotated.kid} signs from now on`);
      }),
    ),
    'landbridge events rotate-key',
  );
}
