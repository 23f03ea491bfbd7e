import { ConnectorError, messageOf } from '@landbridge/connector-sdk';
import { matchesFilter, parseFilter, type ResolvedFilter, resolveFilter, ScimError, type ScimResource } from '@landbridge/scim';
import type { ResourceModel } from './resources/resource-model.ts';

/** Keeps clients away from resources that an administrator protects: break-glass accounts, service accounts, their groups (SEC-14). */
export interface Protection {
  /** The model in whose terms the filters of an object type are; `undefined` when nothing is protected. Both faces use it. */
  modelOf(objectType: string): ResourceModel | undefined;
  /** @throws ScimError 403 for a resource, as that model renders it, that one of the filters matches. */
  refuse(model: ResourceModel, resource: ScimResource): void;
}

/**
 * Prepares the filters of `protected`. A filter matches nothing of a type that lacks its attributes.
 *
 * @throws ConnectorError `invalid-configuration` for one that is no filter, or names nothing that any type has.
 */
export function createProtection(texts: readonly string[], models: readonly ResourceModel[]): Protection {
  const parsed = texts.map((text) => {
    try {
      const filter = parseFilter(text);
      if (!models.some((model) => isKnown(() => resolveFilter(filter, model.resourceType, { strict: true }))))
        throw new Error('no resource type has its attributes');
      return filter;
    } catch (error) {
      throw new ConnectorError('invalid-configuration', `protected: "${text}" is not a filter: ${messageOf(error)}`);
    }
  });
  const byModel = new Map<ResourceModel, readonly ResolvedFilter[]>(
    models.map((model) => [model, parsed.map((filter) => resolveFilter(filter, model.resourceType, { strict: false }))]),
  );
  return {
    modelOf: (objectType) => (texts.length === 0 ? undefined : models.find((model) => model.objectType.name === objectType)),
    refuse(model, resource) {
      if (byModel.get(model)?.some((filter) => matchesFilter(filter, resource)) === true)
        throw new ScimError(403, 'This resource is protected: an administrator of the host decided that no client may change it.');
    },
  };
}

function isKnown(resolve: () => unknown): boolean {
  try {
    resolve();
    return true;
  } catch {
    return false;
  }
}
