import type { HostLog, RequestContext } from './host.ts';
import type { ResourceModel } from './resources/resource-model.ts';

/** Says once for each client which of the attributes that it sends go nowhere (S-032): whoever maps them there looks for them. */
export interface IgnoredAttributes {
  note(model: ResourceModel, context: Pick<RequestContext, 'client' | 'correlation'>, names: readonly string[]): void;
}

/** A client that makes names up must not fill the log. */
const REMEMBERED = 1000;

/** Makes the memory of a connector. */
export function createIgnoredAttributes(log: HostLog): IgnoredAttributes {
  const told = new Set<string>();
  return {
    note({ configuration }, { client, correlation }, names) {
      const attributes = names
        .map((name) => name.slice(0, 200))
        .filter((name) => {
          const key = JSON.stringify([client, configuration.endpoint, name.toLowerCase()]);
          if (told.has(key) || told.size >= REMEMBERED) return false;
          told.add(key);
          return true;
        });
      if (attributes.length > 0)
        log.warn({ client, correlation, endpoint: configuration.endpoint, attributes }, 'a client sends attributes that are not mapped; they are ignored');
    },
  };
}
