import { cpSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type HostConnector, type HostLog, openConnector } from '@landbridge/engine';
import { type ConfigurationDocument, type SecretReader, toConnectorConfiguration, UnresolvedError } from './configuration/parse-configuration.ts';
import type { Tokens } from './credentials/tokens.ts';

/** A connector that could not be opened, and why. It is tried again with back-off. */
export interface FailedConnector {
  readonly name: string;
  readonly problem: string;
}

/** The connectors of a host, as the configuration in force has them. One that fails does not concern the others. */
export interface HostConnectors {
  get(name: string): HostConnector | FailedConnector | undefined;
  list(): readonly (HostConnector | FailedConnector)[];
  /** Opens, reopens and closes connectors until they are what the document says. */
  apply(document: ConfigurationDocument, folder: string): Promise<void>;
  /** Closes and opens connectors of these names: a secret of theirs changed. */
  reopen(names: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

interface Slot {
  readonly text: string;
  readonly folder: string;
  connector: HostConnector | FailedConnector;
  retry: NodeJS.Timeout | undefined;
  attempts: number;
}

const RETRY_MILLISECONDS = [1000, 2000, 5000, 15_000, 60_000] as const;

/** Makes the connectors of a data folder. */
export function createHostConnectors(options: {
  readonly dataFolder: string;
  readonly sealingKey: Uint8Array;
  readonly log: HostLog;
  readonly tokens: Tokens;
  readonly secrets: SecretReader;
}): HostConnectors {
  const slots = new Map<string, Slot>();

  async function open(name: string, text: string, folder: string): Promise<void> {
    const slot: Slot = { text, folder, connector: { name, problem: 'it is being opened' }, retry: undefined, attempts: 0 };
    slots.set(name, slot);
    await attempt(slot, name, folder);
  }

  async function attempt(slot: Slot, name: string, folder: string): Promise<void> {
    try {
      const configuration = toConnectorConfiguration(name, JSON.parse(slot.text) as Readonly<Record<string, unknown>>, folder, options.secrets);
      options.tokens.setFixed(name, configuration.secretToken);
      const own = join(options.dataFolder, 'connectors', name);
      mkdirSync(own, { recursive: true, mode: 0o700 });
      copyFirstFiles(configuration.firstFiles, join(own, 'files'));
      const connector = await openConnector({ configuration, folder: own, sealingKey: options.sealingKey, log: options.log });
      if (slots.get(name) !== slot) return void (await connector.close());
      slot.connector = connector;
      options.log.info({ connector: name }, 'a connector is open');
      startFirstImport(connector);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      slot.connector = { name, problem };
      options.log.error({ connector: name, problem }, 'a connector cannot be opened');
      const wait = RETRY_MILLISECONDS[Math.min(slot.attempts, RETRY_MILLISECONDS.length - 1)] ?? 60_000;
      slot.attempts += 1;
      slot.retry = setTimeout(() => void attempt(slot, name, folder), wait).unref();
    }
  }

  /** A space that no import has filled yet is filled when autosync is on; by hand otherwise. */
  function startFirstImport(connector: HostConnector): void {
    if (connector.configuration.autosync.schedules.length === 0) return;
    void connector.status().then((status) => {
      if (status.state === 'starting' && connector.activeRun === undefined) return connector.run('full', 'first start').then(() => {});
      return undefined;
    });
  }

  async function close(name: string): Promise<void> {
    const slot = slots.get(name);
    slots.delete(name);
    clearTimeout(slot?.retry);
    if (slot !== undefined && !('problem' in slot.connector)) await slot.connector.close();
  }

  return {
    get: (name) => slots.get(name)?.connector,
    list: () => [...slots.values()].map((slot) => slot.connector),
    async apply(document, folder) {
      const wanted = new Map(Object.entries(document.connectors).map(([name, connector]) => [name, JSON.stringify(connector)]));
      for (const [name, slot] of [...slots]) if (wanted.get(name) !== slot.text) await close(name);
      await Promise.all([...wanted].filter(([name]) => !slots.has(name)).map(([name, text]) => open(name, text, folder)));
    },
    async reopen(names) {
      const known = names.flatMap((name) => {
        const slot = slots.get(name);
        return slot === undefined ? [] : [{ name, slot }];
      });
      await Promise.all(
        known.map(async ({ name, slot }) => {
          await close(name);
          await open(name, slot.text, slot.folder);
        }),
      );
    },
    async close() {
      await Promise.all([...slots.keys()].map(close));
    },
  };
}

/** The connector's data files of an old server become the first content of its own folder (R28); what is there is never overwritten. */
function copyFirstFiles(from: string | undefined, to: string): void {
  if (from === undefined || existsSync(to)) return;
  if (!existsSync(from)) throw new UnresolvedError(`files: the folder ${from} does not exist`);
  // Links could lead out of the folder: what they point to is not taken along.
  cpSync(from, to, { recursive: true, filter: (source) => !lstatSync(source).isSymbolicLink() });
}
