import type { ConnectorHandle, ImportControl } from './connector-handle.ts';

/**
 * Connectors of a package that cannot work side by side (ECMA2 `ConcurrentOperation` false) take turns (R18).
 *
 * 1. While one of them has a session open or a call under way, the others wait, first come, first served.
 * 2. While a connector imports, its own writes go on: the import may wait for one of them (R22).
 */
interface Turns {
  owner: object | undefined;
  /** Sessions and calls of the owner that are under way. */
  busy: number;
  imports: number;
  readonly waiting: { readonly who: object; readonly isImport: boolean; start(): void }[];
}

const byPackage = new Map<string, Turns>();

/** Makes every session and call of a handle wait for its turn among the connectors of its package. */
export function takeTurns(packageName: string, handle: ConnectorHandle): ConnectorHandle {
  const turns = byPackage.get(packageName) ?? { owner: undefined, busy: 0, imports: 0, waiting: [] };
  byPackage.set(packageName, turns);
  const self = {};

  function begin(who: object, isImport: boolean): void {
    turns.owner = who;
    turns.busy += 1;
    if (isImport) turns.imports += 1;
  }

  function next(): void {
    while (turns.busy === 0 || turns.waiting[0]?.who === turns.owner) {
      const first = turns.waiting.shift();
      if (first === undefined) return;
      begin(first.who, first.isImport);
      first.start();
    }
  }

  async function take(isImport = false): Promise<() => void> {
    const isMine = turns.owner === self && turns.busy > 0;
    if (turns.busy === 0 || (isMine && (turns.imports > 0 || turns.waiting.length === 0))) begin(self, isImport);
    else await new Promise<void>((start) => turns.waiting.push({ who: self, isImport, start }));
    let given = false;
    return () => {
      if (given) return;
      given = true;
      turns.busy -= 1;
      if (isImport) turns.imports -= 1;
      next();
    };
  }

  async function during<Result>(work: () => Promise<Result>): Promise<Result> {
    const release = await take();
    try {
      return await work();
    } finally {
      release();
    }
  }

  return {
    ...handle,
    async openExport(options) {
      const release = await take();
      try {
        const session = await handle.openExport(options);
        return { ...session, close: (reason) => session.close(reason).finally(release) };
      } catch (error) {
        release();
        throw error;
      }
    },
    exportBatch: (...values) => during(async () => handle.exportBatch?.(...values)),
    runImport(task, events): ImportControl {
      let control: ImportControl | undefined;
      let cancelled = false;
      const done = take(true).then((release) => {
        control = handle.runImport(task, events);
        if (cancelled) control.cancel();
        return control.done.finally(release);
      });
      return {
        done,
        cancel() {
          cancelled = true;
          control?.cancel();
        },
      };
    },
    setPassword: (...values) => during(() => handle.setPassword(...values)),
    find: (request) => during(() => handle.find(request)),
  };
}
