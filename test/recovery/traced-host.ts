import { writeSync } from 'node:fs';
import { openConnector } from '@landbridge/engine';
import { personConfiguration } from '../fixtures/person-configuration.ts';

/** The process that the trace of system calls looks at: three creates, each answer marked (R3). */
const [folder = ''] = process.argv.slice(2);
const quiet = (): void => {};
const context = { credential: 'c', client: 'c', profile: 'lenient', baseUrl: 'https://h/scim/app', correlation: 'x' };
const connector = await openConnector({
  folder,
  sealingKey: new Uint8Array(32),
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  configuration: personConfiguration('marking-connector.ts', { runProfiles: [] }),
});
for (const userName of ['one', 'two', 'three']) {
  writeSync(2, 'MARK request\n');
  await connector.clean.create(context, 'Users', { userName }, {});
  writeSync(2, 'MARK answer\n');
}
await connector.close();
