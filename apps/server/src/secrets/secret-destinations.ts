import { createHash } from 'node:crypto';
import type { AlertsDocument } from '../configuration/alerts-document.ts';
import { readReferencedSecrets, type SecretReader, UnresolvedError } from '../configuration/parse-configuration.ts';

/**
 * Where secrets go (SEC-43). A value is for the addresses that the configuration named when it was set, or first named afterwards.
 * Whoever may change the configuration and knows no value cannot have one sent somewhere else: at another address the value is
 * withheld until somebody who knows it sets it again. Going back to the former address needs nothing.
 */

/** A part of a connector that sends secrets to one address. */
interface Use {
  readonly destination: string;
  readonly secrets: ReadonlySet<string>;
}

type Json = Readonly<Record<string, unknown>>;

/** Names of parameters that say where a connection goes, or how the other side is known. */
const ADDRESS =
  /host|server|ur[il]|endpoint|address|port|proxy|tls|ssl|cert|^ca|authority|domain|dsn|driver|connection|file|path|folder|database|dialect|socket|instance|encrypt|trust/i;
/** Parameters that map data and may have columns of such names. */
const DATA = new Set(['objectTypes', 'schema', 'attributes']);

/** The address of a connector's application, as written: a digest of its package and of the parameters that make it. */
export function applicationAddress(connector: Json): string {
  return digest(['connector', connector['package'], addressOf(connector['parameters'])]);
}

/** The address of a receiver of events. */
export function receiverAddress(push: { readonly url: string; readonly ca?: string }): string {
  return digest(['push', push.url, push.ca ?? null]);
}

function addressOf(parameters: unknown): unknown {
  if (typeof parameters !== 'object' || parameters === null) return null;
  return Object.entries(parameters)
    .filter(([name]) => !DATA.has(name))
    .map(([name, value]): readonly unknown[] => [name, ADDRESS.test(name) ? value : typeof value === 'object' ? addressOf(value) : null])
    .filter(([, value]) => value !== null && !(Array.isArray(value) && value.length === 0))
    .sort();
}

const digest = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 22);

/** Which secrets the configuration sends where. */
export function secretDestinations(connectors: Readonly<Record<string, unknown>>, alerts?: AlertsDocument): ReadonlyMap<string, readonly string[]> {
  const webhook = alerts?.webhook;
  const uses = Object.values(connectors).flatMap((connector): readonly Use[] => {
    const { parameters, secretToken, events } = connector as Json;
    const streams = Object.values((events ?? {}) as Readonly<Record<string, { readonly push?: { readonly url: string; readonly ca?: string } }>>);
    return [
      { destination: applicationAddress(connector as Json), secrets: readReferencedSecrets([parameters, secretToken]) },
      ...streams.flatMap(({ push }) => (push === undefined ? [] : [{ destination: receiverAddress(push), secrets: readReferencedSecrets(push) }])),
    ];
  });
  if (webhook !== undefined) uses.push({ destination: receiverAddress(webhook), secrets: readReferencedSecrets(webhook) });
  const destinations = new Map<string, string[]>();
  for (const { destination, secrets } of uses) for (const name of secrets) destinations.set(name, [...(destinations.get(name) ?? []), destination]);
  return destinations;
}

/** Reads secrets for one address. @throws UnresolvedError for a value that was given for others. */
export function readerFor(read: SecretReader, known: (name: string) => readonly string[] | undefined, destination: string): SecretReader {
  return (name) => {
    const value = read(name);
    if (value !== undefined && known(name)?.includes(destination) === false)
      throw new UnresolvedError(
        `the secret "${name}" was given for another address than the one that the configuration names now; if this one is meant, set it again: landbridge secret set ${name}`,
      );
    return value;
  };
}
