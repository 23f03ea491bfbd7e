import type { ScimAttribute, ScimSchema } from './schema.ts';

/** The User, Group and Enterprise User schemas with the characteristics of RFC 7643 §4 and §8.7.1 (S-040 to S-043). */

const common = {
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
} as const;

function text(name: string, description: string, more: Partial<ScimAttribute> = {}): ScimAttribute {
  return { ...common, name, type: 'string', description, ...more };
}

function reference(name: string, description: string, referenceTypes: readonly string[], more: Partial<ScimAttribute> = {}): ScimAttribute {
  return { ...common, name, type: 'reference', description, caseExact: true, referenceTypes, ...more };
}

function complex(name: string, description: string, subAttributes: readonly ScimAttribute[], more: Partial<ScimAttribute> = {}): ScimAttribute {
  return { ...common, name, type: 'complex', description, subAttributes, ...more };
}

const primary: ScimAttribute = { ...common, name: 'primary', type: 'boolean', description: 'Whether this is the preferred value' };

/** A multi-valued attribute of the usual form: value, display, type, primary. */
function plural(name: string, description: string, types: readonly string[], value: Partial<ScimAttribute> = {}): ScimAttribute {
  const type = types.length === 0 ? text('type', 'Its function') : text('type', 'Its function', { canonicalValues: types });
  return complex(name, description, [{ ...text('value', description), ...value }, text('display', 'A name for display'), type, primary], {
    multiValued: true,
  });
}

/** RFC 7643 §4.1. */
export const userSchema: ScimSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  name: 'User',
  description: 'User Account',
  attributes: [
    text('userName', 'Unique identifier for the user', { required: true, uniqueness: 'server' }),
    complex('name', "The components of the user's name", [
      text('formatted', 'The full name'),
      text('familyName', 'The family name'),
      text('givenName', 'The given name'),
      text('middleName', 'The middle names'),
      text('honorificPrefix', 'Title before the name'),
      text('honorificSuffix', 'Suffix after the name'),
    ]),
    text('displayName', 'The name for display'),
    text('nickName', 'The casual name'),
    reference('profileUrl', "The URL of the user's profile", ['external']),
    text('title', 'The job title'),
    text('userType', 'The relation to the organisation'),
    text('preferredLanguage', 'The preferred languages'),
    text('locale', 'The locale'),
    text('timezone', 'The time zone'),
    { ...common, name: 'active', type: 'boolean', description: 'Whether the account is active' },
    text('password', 'The password', { mutability: 'writeOnly', returned: 'never', caseExact: true }),
    plural('emails', 'E-mail addresses', ['work', 'home', 'other']),
    plural('phoneNumbers', 'Telephone numbers', ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
    plural('ims', 'Instant messaging addresses', ['aim', 'gtalk', 'icq', 'xmpp', 'msn', 'skype', 'qq', 'yahoo']),
    plural('photos', 'URLs of photos', ['photo', 'thumbnail'], { type: 'reference', caseExact: true, referenceTypes: ['external'] }),
    complex(
      'addresses',
      'Postal addresses',
      [
        text('formatted', 'The full address'),
        text('streetAddress', 'Street and house'),
        text('locality', 'City'),
        text('region', 'State or region'),
        text('postalCode', 'Postal code'),
        text('country', 'Country'),
        text('type', 'Its function', { canonicalValues: ['work', 'home', 'other'] }),
        primary,
      ],
      { multiValued: true },
    ),
    complex(
      'groups',
      'Groups the user belongs to',
      [
        text('value', 'Identifier of the group', { mutability: 'readOnly', caseExact: true }),
        reference('$ref', 'URI of the group', ['User', 'Group'], { mutability: 'readOnly' }),
        text('display', 'Name of the group', { mutability: 'readOnly' }),
        text('type', 'Direct or indirect', { mutability: 'readOnly', canonicalValues: ['direct', 'indirect'] }),
      ],
      { multiValued: true, mutability: 'readOnly' },
    ),
    plural('entitlements', 'Entitlements', []),
    plural('roles', 'Roles', []),
    plural('x509Certificates', 'Certificates', [], { type: 'binary', caseExact: true }),
  ],
};

/** RFC 7643 §4.2. */
export const groupSchema: ScimSchema = {
  id: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  name: 'Group',
  description: 'Group',
  attributes: [
    text('displayName', 'The name of the group', { required: true }),
    complex(
      'members',
      'The members of the group',
      [
        text('value', 'Identifier of the member', { mutability: 'immutable', caseExact: true }),
        reference('$ref', 'URI of the member', ['User', 'Group'], { mutability: 'immutable' }),
        text('type', 'Resource type of the member', { mutability: 'immutable', canonicalValues: ['User', 'Group'] }),
        text('display', 'Name of the member', { mutability: 'immutable' }),
      ],
      { multiValued: true },
    ),
  ],
};

/** RFC 7643 §4.3. */
export const enterpriseUserSchema: ScimSchema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    text('employeeNumber', 'Number of the employee'),
    text('costCenter', 'Cost centre'),
    text('organization', 'Organisation'),
    text('division', 'Division'),
    text('department', 'Department'),
    complex('manager', 'The manager', [
      text('value', 'Identifier of the manager', { caseExact: true }),
      reference('$ref', 'URI of the manager', ['User']),
      text('displayName', 'Name of the manager', { mutability: 'readOnly' }),
    ]),
  ],
};
