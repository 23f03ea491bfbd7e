import { bulkChecks } from './bulk-checks.ts';
import type { Check } from './check.ts';
import { discoveryChecks } from './discovery-checks.ts';
import { filterChecks } from './filter-checks.ts';
import { groupChecks } from './group-checks.ts';
import { httpChecks } from './http-checks.ts';
import { pagingChecks } from './paging-checks.ts';
import { patchChecks } from './patch-checks.ts';
import { resourceChecks } from './resource-checks.ts';
import { schemaChecks } from './schema-checks.ts';

/** Every check, in the order in which a person would look. */
export const allChecks: readonly Check[] = [
  ...discoveryChecks,
  ...httpChecks,
  ...resourceChecks,
  ...filterChecks,
  ...pagingChecks,
  ...patchChecks,
  ...schemaChecks,
  ...groupChecks,
  ...bulkChecks,
];
