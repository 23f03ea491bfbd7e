import { isIP } from 'node:net';
import { type ConnectorContext, ConnectorError, type EntryIdentity, type PasswordSession, toConnectorError } from '@landbridge/connector-sdk';
import { isProtectedText } from './odbc/connection-text.ts';
import { borrowApplication } from './open-database.ts';
import { readCurrent } from './present-entry.ts';
import { keyOf } from './row-reader.ts';
import { addressOf } from './server-address.ts';
import type { SqlSettings } from './settings.ts';
import { usesTls } from './tls-handshake.ts';
import { runOperations } from './write-operations.ts';

/** Opens a password session: `write.setPassword` and `write.changePassword`, each call one transaction. */
export async function openPasswordSession(context: ConnectorContext, options: { readonly signal: AbortSignal }): Promise<PasswordSession> {
  const { database, models, settings, release } = await borrowApplication(context);

  async function run(
    kind: 'setPassword' | 'changePassword',
    entry: EntryIdentity,
    words: { readonly password: string; readonly oldPassword?: string },
  ): Promise<void> {
    const model = models.get(entry.objectType);
    if (model === undefined) throw new ConnectorError('unknown-object-type', `there is no object type "${entry.objectType}"`);
    const steps = model.operations[kind];
    if (steps === undefined) throw new ConnectorError('not-supported', `the object type "${model.name}" has no write.${kind}`);
    const work = async (connection: Parameters<typeof runOperations>[0]): Promise<void> => {
      const key = keyOf(model, entry.anchor ?? {});
      const current = await readCurrent({ connection, database, model, target: model.target, wanted: new Set(), referrers: [] }, key);
      const { changes } = await runOperations(connection, database, model, steps, {
        values: { ...current.attributes, ...current.anchor },
        renamed: {},
        ...words,
      });
      if (changes !== 0) return;
      if (kind === 'changePassword') throw new ConnectorError('old-password', 'the old password is wrong');
      throw new ConnectorError('entry-failed', `write.setPassword of "${model.name}" changed no row, though the entry is there; look at its condition`);
    };
    const [outcome] = await database.runUnits([{ after: [], work }], options.signal);
    if (outcome !== undefined && 'error' in outcome) throw explain(outcome.error, Object.values(words));
  }

  return {
    security: isProtected(settings) ? 'secure' : 'not-secure',
    set: (entry, password) => run('setPassword', entry, { password }),
    change: (entry, oldPassword, password) => run('changePassword', entry, { password, oldPassword }),
    close: release,
  };
}

/** What the database says may repeat a value; and what it refuses for itself is its policy. */
function explain(thrown: unknown, secrets: readonly string[]): ConnectorError {
  const { code, message, detail } = toConnectorError(thrown);
  const hide = (text: string): string => secrets.filter((secret) => secret !== '').reduce((shown, secret) => shown.replaceAll(secret, '…'), text);
  const isPolicy = code === 'entry-failed' && (thrown as { readonly cause?: unknown }).cause !== undefined;
  const { internal, ...rest } = detail;
  return new ConnectorError(isPolicy ? 'password-policy' : code, hide(message), { ...rest, ...(internal === undefined ? {} : { internal: hide(internal) }) });
}

/** A file, a socket of this machine, or TLS. */
function isProtected(settings: SqlSettings): boolean {
  if (settings.dialect === 'odbc') return isProtectedText(settings);
  if (settings.dialect === 'sqlite' || usesTls(settings)) return true;
  const { host } = addressOf(settings);
  return host.startsWith('/') || host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
