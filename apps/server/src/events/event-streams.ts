import { messageOf } from '@landbridge/connector-sdk';
import type { HostConnector, HostLog } from '@landbridge/engine';
import type { ConfigurationDocument, SecretReader } from '../configuration/parse-configuration.ts';
import type { HostConnectors } from '../host-connectors.ts';
import { type EventStream, type StreamsDocument, toEventStreams } from './event-configuration.ts';
import { type PushDelivery, startPushDelivery } from './push-delivery.ts';
import type { SigningKeys } from './signing-keys.ts';

/** How a stream is doing. */
export interface StreamStatus {
  readonly name: string;
  readonly audience: string;
  readonly delivery: 'push' | 'poll';
  /** Where it is pushed to; never with credentials. */
  readonly url: string | undefined;
  readonly waiting: number;
  readonly oldest: number | undefined;
  readonly failed: number;
  readonly problem: string | undefined;
}

/** The event streams of a host, as the configuration in force has them. */
export interface EventStreams {
  apply(document: ConfigurationDocument, folder: string): Promise<void>;
  /** The connector of a stream, as long as it is open: another one after each hand-over, so it is asked for anew each time. */
  connectorOf(stream: EventStream): HostConnector | undefined;
  /** The stream that a receiver polls. */
  find(connector: string, name: string): EventStream | undefined;
  status(connector: HostConnector): Promise<readonly StreamStatus[]>;
  close(): Promise<void>;
}

interface Slot {
  readonly stream: EventStream;
  readonly push: PushDelivery | undefined;
}

/** Makes the streams; push streams are at work from {@link EventStreams.apply} on. */
export function createEventStreams(options: {
  readonly connectors: HostConnectors;
  readonly keys: SigningKeys;
  readonly log: HostLog;
  readonly secrets?: (destination: string) => SecretReader;
  issuer(): string;
}): EventStreams {
  const slots = new Map<string, Slot>();

  function connectorOf(stream: EventStream): HostConnector | undefined {
    const connector = options.connectors.get(stream.connector);
    return connector === undefined || 'problem' in connector ? undefined : connector;
  }

  function start(stream: EventStream): Slot {
    const { push } = stream;
    if (push === undefined) return { stream, push: undefined };
    return {
      stream,
      push: startPushDelivery({
        stream: { ...stream, push },
        keys: options.keys,
        log: options.log,
        issuer: options.issuer,
        connector: () => connectorOf(stream),
      }),
    };
  }

  async function stop(key: string): Promise<void> {
    const slot = slots.get(key);
    slots.delete(key);
    await slot?.push?.close();
  }

  return {
    async apply(document, folder) {
      const wanted = new Map<string, EventStream>();
      for (const [connector, written] of Object.entries(document.connectors as Readonly<Record<string, StreamsDocument>>)) {
        try {
          for (const stream of toEventStreams(connector, written, folder, options.secrets)) wanted.set(keyOf(connector, stream.name), stream);
        } catch (error) {
          options.log.error({ connector, reason: messageOf(error) }, 'the event streams of a connector cannot be opened');
        }
      }
      const text = (stream: EventStream | undefined): string => JSON.stringify(stream ?? null);
      for (const [key, slot] of [...slots]) if (text(wanted.get(key)) !== text(slot.stream)) await stop(key);
      for (const [key, stream] of wanted) if (!slots.has(key)) slots.set(key, start(stream));
    },
    connectorOf,
    find: (connector, name) => slots.get(keyOf(connector, name))?.stream,
    async status(connector) {
      const rows = await connector.eventStreams();
      return rows.flatMap((row): readonly StreamStatus[] => {
        const slot = slots.get(keyOf(connector.name, row.name));
        if (slot === undefined) return [];
        const { audience, push } = slot.stream;
        return [{ ...row, audience, delivery: push === undefined ? 'poll' : 'push', url: push?.url, problem: slot.push?.problem }];
      });
    },
    async close() {
      await Promise.all([...slots.keys()].map(stop));
    },
  };
}

function keyOf(connector: string, stream: string): string {
  return `${connector}/${stream}`;
}
