import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '@landbridge/connector-sdk';
import { checkPackage, type HostConnector, type HostLog, openConnector } from '@landbridge/engine';
import { PackageError, type PackagePolicy, type PackageStore } from '@landbridge/package-store';
import { type ConnectorOwner, type Installation, StoreOwnerError, StoreUnavailableError } from '@landbridge/store';
import { type Peer, parsePeer } from './cluster/peer.ts';
import { type ConfigurationDocument, type SecretReader, toConnectorConfiguration, UnresolvedError } from './configuration/parse-configuration.ts';
import { type Admission, createAdmission } from './connector-admission.ts';
import type { Tokens } from './credentials/tokens.ts';
import { resolvePackage } from './packages/installed-packages.ts';
import { openOwnFiles } from './packages/own-files.ts';
import { toPackagePolicy } from './packages/package-policy.ts';
import { applicationAddress } from './secrets/secret-destinations.ts';

/** A connector that could not be opened, and why. It is tried again with back-off. */
export interface FailedConnector {
  readonly name: string;
  readonly problem: string;
  /** Another host owns it, and this one stands by to take it over (R34): where it is reached, if it said so. */
  readonly elsewhere?: { readonly peer: Peer | undefined };
}

/** Whether another host serves a connector, and this one waits to take it over. */
export function standsBy(connector: HostConnector | FailedConnector | undefined): boolean {
  return connector !== undefined && 'problem' in connector && connector.elsewhere !== undefined;
}

/** A connector that a request was let in to, until it is released. */
export interface AdmittedConnector {
  readonly connector: HostConnector | FailedConnector;
  release(): void;
}

/** The connectors of a host, as the configuration in force has them. One that fails does not concern the others. */
export interface HostConnectors {
  get(name: string): HostConnector | FailedConnector | undefined;
  list(): readonly (HostConnector | FailedConnector)[];
  /**
   * Lets a request in: waits while the connector is handed over to another version or configuration, and keeps it open until the
   * request is released (R28). `undefined` where there is no such connector.
   */
  admit(name: string): AdmittedConnector | undefined | Promise<AdmittedConnector>;
  /** Opens, hands over and closes connectors until they are what the document says. */
  apply(document: ConfigurationDocument, folder: string): Promise<void>;
  /** Opens connectors of these names anew: a secret of theirs changed. */
  reopen(names: readonly string[]): Promise<void>;
  /** Names of the connectors that use an installed package. */
  usersOf(packageName: string): readonly string[];
  /**
   * Puts another version of a package to use under the connectors that run it: the new one is validated against the live
   * configuration of each, then each is handed over, requests waiting meanwhile. On failure all stay with, or return to, the old (R28).
   *
   * @throws PackageError naming the connector that the version cannot serve.
   */
  changePackage(packageName: string, digest: string, options: { readonly restoreFiles: boolean }): Promise<readonly string[]>;
  close(): Promise<void>;
}

interface Slot {
  text: string;
  folder: string;
  connector: HostConnector | FailedConnector;
  /** The installed package it runs. */
  installed: { readonly name: string; readonly digest: string } | undefined;
  readonly admission: Admission;
  retry: NodeJS.Timeout | undefined;
  /** An attempt that goes on by itself: whatever else happens to the connector waits for its end. */
  retrying: Promise<void> | undefined;
  /** Ends an attempt that waits for the connector's word. */
  ending: AbortController;
  attempts: number;
  /** What another host has taken over is closed before it is opened again. */
  closing: Promise<void> | undefined;
}

/** In the folder of a connector: its store came back from a backup, and no full import has ended since (R5). */
export const BEHIND = 'behind';

const RETRY_MILLISECONDS = [1000, 2000, 5000, 15_000, 60_000] as const;
/** How often a host that stands by looks whether it may take a connector over, and how soon one is opened again whose store did not answer. */
const STAND_BY_MILLISECONDS = 1000;
const NO_POLICY: PackagePolicy = { requireSignature: false, keys: [] };

/** Makes the connectors of a data folder. */
export function createHostConnectors(options: {
  readonly dataFolder: string;
  readonly sealingKey: Uint8Array;
  readonly log: HostLog;
  readonly tokens: Tokens;
  readonly packages: PackageStore;
  /** Values for one address (SEC-43). */
  secrets(destination: string): SecretReader;
  readonly installation: Installation;
  /** What an administrator should hear of (SEC-61). */
  /** A resource was disabled or deleted: what was issued for it ends (S-173). */
  deprovisioned(connector: string, ids: readonly string[]): void;
  alert(kind: 'protected-object' | 'mass-change', connector: string, credential: string): void;
  /** How long a start, or another configuration, waits for a connector to open. Default is 20 seconds. */
  readonly patienceMilliseconds?: number;
}): HostConnectors {
  const patience = options.patienceMilliseconds ?? 20_000;
  const { log, packages } = options;
  const slots = new Map<string, Slot>();
  let policy = NO_POLICY;
  /** Hand-overs run one after another: two at once would each undo what the other did. */
  let handOvers: Promise<unknown> = Promise.resolve();

  const ownFolder = (name: string): string => join(options.dataFolder, 'connectors', name);

  function configure(name: string, slot: Pick<Slot, 'text' | 'folder'>, digest?: string) {
    const document = JSON.parse(slot.text) as Readonly<Record<string, unknown>>;
    const resolved = resolvePackage(document, {
      store: packages,
      policy,
      dataFolder: options.dataFolder,
      name,
      ...(digest === undefined ? {} : { digest }),
    });
    const secrets = options.secrets(applicationAddress(document));
    return { configuration: toConnectorConfiguration(name, resolved.connector, slot.folder, secrets), installed: resolved.installed };
  }

  async function open(name: string, text: string, folder: string): Promise<void> {
    const opening = { name, problem: 'it is being opened' };
    const slot: Slot = {
      text,
      folder,
      connector: opening,
      installed: undefined,
      admission: createAdmission(),
      retry: undefined,
      retrying: undefined,
      ending: new AbortController(),
      attempts: 0,
      closing: undefined,
    };
    slots.set(name, slot);
    slot.retrying = attempt(slot, name);
    // A connector that hangs keeps nobody from the others.
    await Promise.race([slot.retrying, delay(patience, undefined, { ref: false })]);
    if (slot.connector === opening)
      slot.connector = { name, problem: `it has not answered for ${patience / 1000} seconds; the host goes on without it until it does` };
  }

  /** Opens the connector of a slot. @throws why it cannot be opened. */
  async function openSlot(slot: Slot, name: string): Promise<void> {
    const { configuration, installed } = configure(name, slot);
    options.tokens.setFixed(name, configuration.secretToken);
    const own = ownFolder(name);
    mkdirSync(own, { recursive: true, mode: 0o700 });
    openOwnFiles(own);
    copyFirstFiles(configuration.firstFiles, join(own, 'files'));
    slot.ending = new AbortController();
    const connector = await openConnector({
      configuration,
      givenUp: slot.ending.signal,
      folder: own,
      sealingKey: options.sealingKey,
      log,
      openStore: () => options.installation.openConnector(name),
      alert: (kind, credential) => options.alert(kind, name, credential),
      deprovisioned: (ids) => options.deprovisioned(name, ids),
      ...(existsSync(join(own, BEHIND)) ? { caughtUp: () => rmSync(join(own, BEHIND), { force: true }) } : {}),
    });
    if (slots.get(name) !== slot) return void (await connector.close());
    slot.connector = connector;
    connector.onLost((reason) => lose(slot, connector, reason));
    slot.installed = installed;
    slot.attempts = 0;
    log.info({ connector: name, package: installed?.name, digest: installed?.digest }, 'a connector is open');
  }

  async function attempt(slot: Slot, name: string): Promise<void> {
    try {
      await slot.closing;
      const owner = await ownerElsewhere(name);
      if (owner !== undefined) return standBy(slot, name, owner);
      await openSlot(slot, name);
      startFirstImport(slot.connector);
    } catch (error) {
      // Closed meanwhile: nobody waits for it any more.
      if (slots.get(name) !== slot) return;
      if (error instanceof StoreOwnerError) return standBy(slot, name, undefined);
      const problem = messageOf(error);
      slot.connector = { name, problem };
      log.error({ connector: name, problem }, 'a connector cannot be opened');
      const wait = RETRY_MILLISECONDS[Math.min(slot.attempts, RETRY_MILLISECONDS.length - 1)] ?? 60_000;
      slot.attempts += 1;
      tryAgain(slot, name, error instanceof StoreUnavailableError ? STAND_BY_MILLISECONDS : wait);
    }
  }

  function tryAgain(slot: Slot, name: string, milliseconds: number): void {
    clearTimeout(slot.retry);
    if (slots.get(name) !== slot) return;
    slot.retry = setTimeout(() => {
      slot.retrying = attempt(slot, name);
    }, milliseconds).unref();
  }

  /** Who has the connector, if it is not this host: looked up first, so that a host that stands by does not trouble the application. */
  async function ownerElsewhere(name: string): Promise<ConnectorOwner | undefined> {
    const { shared } = options.installation;
    const owner = await shared?.readOwner(name);
    return owner === undefined || owner.owner === shared?.host ? undefined : owner;
  }

  function standBy(slot: Slot, name: string, owner: ConnectorOwner | undefined): void {
    const peer = parsePeer(owner?.address);
    const problem = `it belongs to another host${peer === undefined ? '' : ` (${peer.url})`}; this one stands by`;
    if (!('elsewhere' in slot.connector))
      log.info({ connector: name, owner: owner?.owner, peer: peer?.url }, 'another host owns a connector; this one stands by');
    slot.connector = { name, problem, elsewhere: { peer } };
    slot.attempts = 0;
    tryAgain(slot, name, STAND_BY_MILLISECONDS);
  }

  /** Another host has taken a connector over: nothing of it is served here from now on. */
  function lose(slot: Slot, connector: HostConnector, reason: Error): void {
    if (slot.connector !== connector) return;
    const { name } = connector;
    log.warn({ connector: name, reason: reason.message }, 'another host has taken a connector over');
    slot.connector = { name, problem: reason.message, elsewhere: { peer: undefined } };
    slot.closing = connector.close().catch((error: unknown) => log.warn({ connector: name, reason: String(error) }, 'a connector closed badly'));
    void standByNow(slot, name);
  }

  async function standByNow(slot: Slot, name: string): Promise<void> {
    const owner = await ownerElsewhere(name).catch(() => undefined);
    if (slots.get(name) === slot && 'problem' in slot.connector) standBy(slot, name, owner);
  }

  async function endRetry(slot: Slot): Promise<void> {
    clearTimeout(slot.retry);
    slot.ending.abort();
    await slot.retrying;
    // It may have failed, and planned another one.
    clearTimeout(slot.retry);
  }

  /** A space that no import has filled yet is filled when autosync is on; by hand otherwise. */
  function startFirstImport(connector: HostConnector | FailedConnector): void {
    if ('problem' in connector || connector.configuration.autosync.schedules.length === 0) return;
    void connector
      .status()
      .then(async (status) => {
        if (status.state === 'starting' && connector.activeRun === undefined) await connector.run('full', 'first start');
      })
      .catch((error: unknown) => log.warn({ connector: connector.name, reason: String(error) }, 'the first import could not start'));
  }

  async function close(name: string): Promise<void> {
    const slot = slots.get(name);
    slots.delete(name);
    if (slot === undefined) return;
    await endRetry(slot);
    await slot.closing;
    if (!('problem' in slot.connector)) await slot.connector.close();
  }

  /**
   * Hands a connector over: requests wait, those under way end, the old one is closed, `change` is made, the new one is opened.
   * An import that this interrupts begins again (R25).
   */
  async function handOver(name: string, slot: Slot, change: () => void, reopen: () => Promise<void>): Promise<void> {
    const resume = await slot.admission.hold();
    await endRetry(slot);
    const { connector } = slot;
    const profile = 'problem' in connector ? undefined : connector.activeRun?.profile;
    try {
      if (!('problem' in connector)) {
        slot.connector = { name, problem: 'it is being handed over to another version or configuration' };
        await connector.close();
      }
      change();
      await reopen();
    } finally {
      resume();
    }
    const { connector: opened } = slot;
    if (profile !== undefined && !('problem' in opened))
      opened
        .run(profile, 'hand-over')
        .catch((error: unknown) => log.warn({ connector: name, reason: String(error) }, 'an interrupted import could not begin again'));
  }

  async function validate(name: string, slot: Slot, digest: string): Promise<void> {
    const scratch = join(ownFolder(name), `validation-${randomUUID()}`);
    mkdirSync(scratch, { recursive: true, mode: 0o700 });
    try {
      await checkPackage({ configuration: configure(name, slot, digest).configuration, folder: scratch, log });
    } catch (error) {
      throw new PackageError('invalid', `the connector "${name}" cannot run this version and stays with the old one: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }

  /** One connector to another version; returns what takes it back. @throws PackageError when it cannot be opened; it runs the old one then. */
  async function moveSlot(
    name: string,
    slot: Slot,
    move: { readonly packageName: string; readonly from: string; readonly to: string; readonly restoreFiles: boolean },
  ): Promise<() => Promise<void>> {
    const { packageName, from, to, restoreFiles } = move;
    const files = openOwnFiles(ownFolder(name));
    const back = async (): Promise<void> => {
      files.restore(from);
      await attempt(slot, name);
    };
    let failure: unknown;
    await handOver(
      name,
      slot,
      () => {
        files.snapshot(from);
        if (restoreFiles) files.restore(to);
      },
      async () => {
        try {
          await openSlot(slot, name);
        } catch (error) {
          // Who stands by opens the new version when it takes the connector over.
          if (error instanceof StoreOwnerError) return standBy(slot, name, undefined);
          failure = error;
          packages.use(packageName, from);
          await back();
        }
      },
    );
    if (failure !== undefined)
      throw new PackageError('invalid', `the connector "${name}" could not be opened with this version and is back on the old one: ${messageOf(failure)}`, {
        cause: failure,
      });
    return () => handOver(name, slot, () => {}, back);
  }

  async function change(packageName: string, digest: string, restoreFiles: boolean): Promise<readonly string[]> {
    const installed = packages.get(packageName);
    if (installed === undefined) throw new PackageError('unknown', `there is no package "${packageName}"`);
    if (installed.current === digest) return [];
    const users = [...slots].filter(([, slot]) => usesPackage(slot, packageName));
    for (const [name, slot] of users) await validate(name, slot, digest);
    // From here on a restart opens the new version, which was found able to serve.
    packages.use(packageName, digest);
    const undo: (() => Promise<void>)[] = [];
    try {
      for (const [name, slot] of users) undo.unshift(await moveSlot(name, slot, { packageName, from: installed.current, to: digest, restoreFiles }));
    } catch (error) {
      packages.use(packageName, installed.current);
      for (const one of undo) await one();
      throw error;
    }
    return users.map(([name]) => name);
  }

  /** Runs after all hand-overs before it. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = handOvers.then(work);
    handOvers = turn.catch(() => {});
    return turn;
  }

  return {
    get: (name) => slots.get(name)?.connector,
    list: () => [...slots.values()].map((slot) => slot.connector),
    admit(name) {
      const slot = slots.get(name);
      if (slot === undefined) return undefined;
      const entered = slot.admission.enter();
      if (entered instanceof Promise) return entered.then((release) => ({ connector: slot.connector, release }));
      return { connector: slot.connector, release: entered };
    },
    apply: (document, folder) =>
      inTurn(async () => {
        policy = toPackagePolicy(document.packages, folder);
        const wanted = new Map(Object.entries(document.connectors).map(([name, connector]) => [name, JSON.stringify(connector)]));
        for (const name of [...slots.keys()]) if (!wanted.has(name)) await close(name);
        await Promise.all(
          [...wanted].map(async ([name, text]) => {
            const slot = slots.get(name);
            if (slot === undefined) return open(name, text, folder);
            if (slot.text === text && slot.folder === folder) return undefined;
            return handOver(
              name,
              slot,
              () => Object.assign(slot, { text, folder }),
              () => attempt(slot, name),
            );
          }),
        );
      }),
    reopen: (names) =>
      inTurn(async () => {
        await Promise.all(
          names.map(async (name) => {
            const slot = slots.get(name);
            if (slot === undefined) return;
            await handOver(
              name,
              slot,
              () => {},
              () => attempt(slot, name),
            );
          }),
        );
      }),
    usersOf: (packageName) => [...slots].filter(([, slot]) => usesPackage(slot, packageName)).map(([name]) => name),
    changePackage: (packageName, digest, { restoreFiles }) => inTurn(() => change(packageName, digest, restoreFiles)),
    close: () =>
      inTurn(async () => {
        await Promise.all([...slots.keys()].map(close));
      }),
  };
}

function usesPackage(slot: Slot, packageName: string): boolean {
  return (JSON.parse(slot.text) as { readonly package?: unknown }).package === packageName;
}

/** The connector's data files of an old server become the first content of its own folder (R28); what is there is never overwritten. */
function copyFirstFiles(from: string | undefined, to: string): void {
  if (from === undefined || existsSync(to)) return;
  if (!existsSync(from)) throw new UnresolvedError(`files: the folder ${from} does not exist`);
  // Links could lead out of the folder: what they point to is not taken along.
  cpSync(from, to, { recursive: true, filter: (source) => !lstatSync(source).isSymbolicLink() });
}
