import { isAbsolute, resolve } from 'node:path';
import { resolveReferences, type SecretReader } from '../configuration/parse-configuration.ts';
import { receiverAddress } from '../secrets/secret-destinations.ts';

/** The `events` part of a connector, as written: streams by name. */
export type EventsDocument = Readonly<
  Record<
    string,
    {
      readonly audience: string;
      readonly push?: { readonly url: string; readonly authorization?: string; readonly ca?: string };
      readonly poll?: { readonly client?: string };
    }
  >
>;

/** What a connector says of its streams, as written. */
export interface StreamsDocument {
  readonly events?: EventsDocument;
  readonly egress?: readonly string[];
}

/** A feed of security event tokens to one receiver. */
export interface EventStream {
  readonly connector: string;
  readonly name: string;
  /** The `aud` of its tokens. */
  readonly audience: string;
  /** RFC 8935; else the receiver polls (RFC 8936), with a credential of this client where one is named. */
  readonly push?: { readonly url: string; readonly authorization?: string; readonly ca?: string };
  readonly client?: string;
  /** Destinations of the connector that may be private, `host:port` (SEC-42). */
  readonly egress: readonly string[];
}

/** The streams of a connector with secrets resolved and paths absolute. @throws UnresolvedError for a secret that is not there. */
export function toEventStreams(
  connector: string,
  { events, egress }: StreamsDocument,
  folder: string,
  secrets?: (destination: string) => SecretReader,
): readonly EventStream[] {
  return Object.entries(events ?? {}).map(([name, { audience, push, poll }]) => ({
    connector,
    name,
    audience,
    egress: egress ?? [],
    ...(push === undefined
      ? {}
      : {
          push: {
            url: push.url,
            ...(push.authorization === undefined ? {} : { authorization: resolveReferences(push.authorization, folder, secrets?.(receiverAddress(push))) }),
            ...(push.ca === undefined ? {} : { ca: isAbsolute(push.ca) ? push.ca : resolve(folder, push.ca) }),
          },
        }),
    ...(poll?.client === undefined ? {} : { client: poll.client }),
  }));
}
