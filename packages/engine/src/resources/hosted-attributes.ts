import type { Capabilities } from '@landbridge/connector-sdk';
import type { ScimAttribute, ScimResource } from '@landbridge/scim';

/**
 * Attributes of the drop-in face that are not attributes of the application: the Entra ECMA Connector Host has them under these
 * names (entra-host.md 3), and mappings of existing Entra applications use them.
 */
export interface HostedAttribute {
  readonly kind: 'distinguished-name' | 'password';
  /** URN of the schema that holds it; `undefined` for the core schema. */
  readonly extension: string | undefined;
  readonly definition: ScimAttribute;
}

/** The distinguished name, as the host calls it for LDAP connectors. */
const DISTINGUISHED_NAME = '-dn-';
/** The initial password; it is written and never read. */
const EXPORT_PASSWORD = 'export_password';

/** The hosted attributes that a connector has; `taken` are names of its own attributes, lower case. */
export function hostedAttributes(
  capabilities: Pick<Capabilities, 'password' | 'distinguishedNameStyle'>,
  extension: string | undefined,
  taken: ReadonlySet<string>,
): readonly HostedAttribute[] {
  const definition = (name: string, description: string, more: Partial<ScimAttribute>): ScimAttribute => ({
    name,
    type: 'string',
    multiValued: false,
    description,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...more,
  });
  const all: readonly HostedAttribute[] = [
    ...(capabilities.distinguishedNameStyle === 'none'
      ? []
      : [{ kind: 'distinguished-name' as const, extension, definition: definition(DISTINGUISHED_NAME, 'The distinguished name', { uniqueness: 'server' }) }]),
    ...(capabilities.password
      ? [
          {
            kind: 'password' as const,
            extension,
            definition: definition(EXPORT_PASSWORD, 'The initial password', { caseExact: true, mutability: 'writeOnly', returned: 'never' }),
          },
        ]
      : []),
  ];
  return all.filter((one) => !taken.has(one.definition.name.toLowerCase()));
}

/** The value of a hosted attribute in a resource. */
export function readHosted(resource: ScimResource, hosted: readonly HostedAttribute[], kind: HostedAttribute['kind']): string | undefined {
  const one = hosted.find((candidate) => candidate.kind === kind);
  if (one === undefined) return undefined;
  const container = (one.extension === undefined ? resource : resource[one.extension]) as Readonly<Record<string, unknown>> | undefined;
  const value = container?.[one.definition.name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
