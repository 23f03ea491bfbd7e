import { describe, expect, it } from 'vitest';
import { parseConfiguration } from './parse-configuration.ts';

const withOption = (option: string): string => `version: 1
connectors:
  hr:
    package: sql
    parameters: {}
    ${option}
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
`;

describe('times of a configuration', () => {
  it.each([
    ['limits: { call: soon }', 'limits.call', '"soon" is not a duration; write 30s, 5m or 24h'],
    ['limits: { call: 0 }', 'limits.call', '"0" is too short; write a duration longer than nothing'],
    ['limits: { hardLimit: 40d }', 'limits.hardLimit', '"40d" is too long; write at most 24d'],
    ['session: { idle: -1 }', 'session.idle', '"-1" is too short; write a duration longer than nothing'],
    ['retention: { journal: never }', 'retention.journal', '"never" is not a duration; write 30s, 5m or 24h'],
    ['autosync: { delta: 0s }', 'autosync.delta', '"0s" is too short; write at least 1s'],
    ['autosync: { full: 1000d }', 'autosync.full', '"1000d" is too long; write at most 366d'],
    ['autosync: { deltaa: 5m }', 'autosync.deltaa', 'there is no run profile "deltaa"; did you mean "delta"? (profiles: full, delta)'],
    [
      "autosync: { delta: { cron: '99 * * * *' } }",
      'autosync.delta',
      '"99 * * * *" is no cron expression (Invalid value for minute: 99); write minute, hour, day, month and weekday, such as "0 2 * * *" (every day at two)',
    ],
    [
      "autosync: { delta: { cron: '0 0 30 2 *' } }",
      'autosync.delta',
      '"0 0 30 2 *" never comes; write a time that does, such as "0 2 * * *" (every day at two)',
    ],
    [
      "autosync: { delta: { cron: '0 2 * * *', timeZone: Mars/Olympus } }",
      'autosync.delta',
      'there is no time zone "Mars/Olympus"; write one such as Europe/Stockholm or UTC',
    ],
  ])('%s is refused with its place and what to write', (option, path, message) => {
    expect(parseConfiguration(withOption(option)).problems).toEqual([
      { line: 6, column: expect.any(Number) as number, path: `connectors.hr.${path}`, message },
    ]);
  });

  it.each([
    'limits: { call: 500ms, deadline: 25, hardLimit: 12h }',
    'autosync: { delta: 1m, full: 30d }',
    'runProfiles: { nightly: [full-import] }\n    autosync: { nightly: { cron: "0 2 * * *", timeZone: Europe/Stockholm } }',
    'retention: { journal: 400d, runs: 0 }',
  ])('%s is right', (option) => {
    expect(parseConfiguration(withOption(option)).problems).toEqual([]);
  });
});
