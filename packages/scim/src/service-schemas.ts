import type { ScimAttribute, ScimSchema } from './schema.ts';

/** The schemas of what a service says of itself: ServiceProviderConfig, ResourceType and Schema (RFC 7643 §5 to §7, §8.7.2; RFC 9865 §4; RFC 9967 §4). */

function told(name: string, type: ScimAttribute['type'], description: string, more: Partial<ScimAttribute> = {}): ScimAttribute {
  return {
    name,
    type,
    description,
    multiValued: false,
    required: false,
    caseExact: type === 'reference',
    mutability: 'readOnly',
    returned: 'default',
    uniqueness: 'none',
    ...more,
  };
}

const required = { required: true } as const;
const several = { multiValued: true } as const;

function link(name: string, description: string, kind: 'external' | 'uri', more: Partial<ScimAttribute> = {}): ScimAttribute {
  return told(name, 'reference', description, { referenceTypes: [kind], ...more });
}

function parts(name: string, description: string, subAttributes: readonly ScimAttribute[], more: Partial<ScimAttribute> = {}): ScimAttribute {
  return told(name, 'complex', description, { subAttributes, ...more });
}

const supported = told('supported', 'boolean', 'Whether the service can do it', required);
const number = (name: string, description: string): ScimAttribute => told(name, 'integer', description, required);

const serviceProviderConfigSchema: ScimSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig',
  name: 'ServiceProviderConfig',
  description: 'What the service can do',
  attributes: [
    link('documentationUri', 'Where its documentation is', 'external'),
    parts('patch', 'Changes by PATCH', [supported], required),
    parts(
      'bulk',
      'Several operations in one request',
      [supported, number('maxOperations', 'The most operations in one request'), number('maxPayloadSize', 'The most bytes in one request')],
      required,
    ),
    parts('filter', 'Filters', [supported, number('maxResults', 'The most resources in one answer')], required),
    parts('changePassword', 'Changes of a password', [supported], required),
    parts('sort', 'Sorting', [supported], required),
    parts('etag', 'Versions of resources', [supported], required),
    parts('securityEvents', 'Security event tokens', [
      told('asyncRequest', 'string', 'When requests may be answered later', { canonicalValues: ['none', 'long', 'request'] }),
      link('eventUris', 'The events that are told', 'uri', several),
    ]),
    parts('pagination', 'Paging', [
      told('cursor', 'boolean', 'Whether by cursor', required),
      told('index', 'boolean', 'Whether by index', required),
      told('defaultPaginationMethod', 'string', 'Which where the client does not say', { canonicalValues: ['index', 'cursor'] }),
      told('defaultPageSize', 'integer', 'Resources on a page where the client does not say'),
      told('maxPageSize', 'integer', 'The most resources on a page'),
      told('cursorTimeout', 'integer', 'Seconds for which a cursor is good'),
    ]),
    parts(
      'authenticationSchemes',
      'How clients authenticate',
      [
        told('type', 'string', 'The scheme', { ...required, canonicalValues: ['oauth', 'oauth2', 'oauthbearertoken', 'httpbasic', 'httpdigest'] }),
        told('name', 'string', 'Its name', required),
        told('description', 'string', 'What it is', required),
        link('specUri', 'Where it is specified', 'external'),
        link('documentationUri', 'Where its use is described', 'external'),
        told('primary', 'boolean', 'Whether it is the preferred one'),
      ],
      { ...several, ...required },
    ),
  ],
};

const resourceTypeSchema: ScimSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:ResourceType',
  name: 'ResourceType',
  description: 'A type of resources',
  attributes: [
    told('id', 'string', 'The identifier of the type'),
    told('name', 'string', 'Its name', required),
    told('description', 'string', 'What it is'),
    link('endpoint', 'Where its resources are, below the base URL', 'uri', required),
    link('schema', 'The URN of its schema', 'uri', required),
    parts(
      'schemaExtensions',
      'The extensions of its schema',
      [link('schema', 'The URN of the extension', 'uri', required), told('required', 'boolean', 'Whether each resource must have it', required)],
      several,
    ),
  ],
};

/** What is said of an attribute, and of its parts, which have none themselves. */
const characteristics = [
  told('name', 'string', 'Its name', { ...required, caseExact: true }),
  told('type', 'string', 'The type of its values', {
    ...required,
    canonicalValues: ['string', 'complex', 'boolean', 'decimal', 'integer', 'dateTime', 'reference', 'binary'],
  }),
  told('multiValued', 'boolean', 'Whether it has several values', required),
  told('description', 'string', 'What it is', { caseExact: true }),
  told('required', 'boolean', 'Whether it must have a value'),
  told('canonicalValues', 'string', 'Values that are usual', { ...several, caseExact: true }),
  told('caseExact', 'boolean', 'Whether upper and lower case differ'),
  told('mutability', 'string', 'When it can be written', { caseExact: true, canonicalValues: ['readOnly', 'readWrite', 'immutable', 'writeOnly'] }),
  told('returned', 'string', 'When it is in an answer', { caseExact: true, canonicalValues: ['always', 'never', 'default', 'request'] }),
  told('uniqueness', 'string', 'Among which resources a value is there once', { caseExact: true, canonicalValues: ['none', 'server', 'global'] }),
  told('referenceTypes', 'string', 'What a reference may point to', { ...several, caseExact: true }),
];

const schemaSchema: ScimSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Schema',
  name: 'Schema',
  description: 'The attributes of resources',
  attributes: [
    told('id', 'string', 'The URN of the schema', required),
    told('name', 'string', 'Its name', required),
    told('description', 'string', 'What it is'),
    parts('attributes', 'Its attributes', [...characteristics, parts('subAttributes', 'The parts of a complex attribute', characteristics, several)], {
      ...several,
      ...required,
    }),
  ],
};

/** All three. */
export const serviceSchemas: readonly ScimSchema[] = [serviceProviderConfigSchema, resourceTypeSchema, schemaSchema];
