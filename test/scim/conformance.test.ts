import { afterAll, beforeAll, describe, it } from 'vitest';
import { allChecks, type Kit } from '../../packages/scim-testkit/src/index.ts';
import { reasonToSkip } from '../../packages/scim-testkit/src/run-checks.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** The conformance suite, check by check, in both dialects: nothing that it asks for may be missing here, nothing may be skipped. */
let host: DirectoryHost;
const kits: { strict?: Kit; lenient?: Kit } = {};

beforeAll(async () => {
  host = await startDirectoryHost();
  await host.importAll();
  kits.strict = await host.kit('strict');
  kits.lenient = await host.kit('lenient');
});

afterAll(() => host.close());

/** The directory has no passwords; what clients may do with them is tested where an application has. */
const NOT_HERE = new Set<string>(['User.password']);

describe.each(['strict', 'lenient'] as const)('the conformance suite against this host, %s', (profile) => {
  const mine = allChecks.filter((check) => (check.profile ?? profile) === profile && !check.needs?.some((need) => NOT_HERE.has(need)));

  it.each(mine.map((check) => [check.title, check] as const))('%s', async (_, check) => {
    const kit = kits[profile];
    if (kit === undefined) throw new Error('the host did not start');
    const reason = reasonToSkip(kit, check);
    if (reason !== undefined) throw new Error(`the check would be skipped: ${reason}`);
    try {
      await check.run(kit);
    } finally {
      await kit.clean();
    }
  });
});
