import { createHash } from 'node:crypto';
import type { ControlStore } from '@landbridge/store';
import { StartError } from '../start-error.ts';

const SETTING = 'host-keys';

/**
 * The hosts of an installation have the same keys: tokens are hashed, passwords in the journal sealed and the audit chained with them.
 * What is kept of them tells them apart and gives nothing away.
 *
 * @throws StartError for a host with other keys, before it serves anybody.
 */
export async function checkSharedKeys(control: ControlStore, dataFolder: string, keys: readonly Uint8Array[]): Promise<void> {
  const digest = createHash('sha256').update('landbridge host keys');
  for (const key of keys) digest.update(key);
  const mine = digest.digest('hex').slice(0, 16);
  const known = await control.readSetting(SETTING);
  if (known === undefined) return control.writeSetting(SETTING, mine);
  if (known !== mine)
    throw new StartError(
      `this host has other keys than the others of its store: copy token-pepper.key, sealing.key, audit.key and secrets.key from the data folder of another host into ${dataFolder}, then start again`,
    );
}
