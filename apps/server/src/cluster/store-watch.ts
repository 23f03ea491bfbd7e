import { messageOf } from '@landbridge/connector-sdk';
import type { HostLog } from '@landbridge/engine';
import type { SharedInstallation } from '@landbridge/store';

/** Looks after what this host shares with others: whether the database answers, and whether another host changed something in it. */
export interface StoreWatch {
  /** Whether the database answered last time. A host whose state is in its own files is always available. */
  readonly available: boolean;
  close(): void;
}

const LOOK_MILLISECONDS = 1000;

/** Watches from now on. `changed` is told after each change of tokens, configuration or secrets, whoever made it. */
export function watchStore(options: {
  readonly shared: Pick<SharedInstallation, 'readVersion'> | undefined;
  readonly log: HostLog;
  changed(): Promise<void>;
}): StoreWatch {
  const { shared, log } = options;
  let available = true;
  let closed = false;
  let known: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    if (shared === undefined) return;
    try {
      const version = await shared.readVersion();
      if (!available) log.info({}, 'the database of the store answers again');
      available = true;
      if (known !== undefined && known !== version) await options.changed();
      known = version;
    } catch (error) {
      if (available && !closed) log.error({ reason: messageOf(error) }, 'the database of the store does not answer');
      available = false;
    }
    if (!closed) timer = setTimeout(() => void look(), LOOK_MILLISECONDS).unref();
  }
  void look();

  return {
    get available() {
      return available;
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
