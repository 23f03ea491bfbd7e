import type { ObjectTypeConfiguration } from '../configuration.ts';

const USER_NAME = /^(?:urn:ietf:params:scim:schemas:core:2\.0:user:)?username$/i;

/**
 * Whether an attribute of the application is shown as `userName`: its values compare as PRECIS prepares names of accounts, in filters
 * and where uniqueness is checked (RFC 8265 §3.3, S-056). Both faces of a connector have the same ones.
 */
export function isAccountName(types: readonly Pick<ObjectTypeConfiguration, 'objectType' | 'mapping'>[], objectType: string, attribute: string): boolean {
  return types.some((type) => type.objectType === objectType && type.mapping.some((one) => one.attribute === attribute && USER_NAME.test(one.scim)));
}
