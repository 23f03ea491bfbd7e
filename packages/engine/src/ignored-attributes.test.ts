import { compileSchema, defaultCapabilities } from '@landbridge/connector-sdk';
import { applyPatch, compileResourceType, PATCH_SCHEMA, parsePatch, parseResource, profileOf, type ScimResource, userSchema } from '@landbridge/scim';
import { describe, expect, it } from 'vitest';
import { createIgnoredAttributes } from './ignored-attributes.ts';
import { buildResourceModel, type ResourceModel } from './resources/resource-model.ts';
import { leftOut } from './resources/unkept.ts';

const acme = 'urn:ietf:params:scim:schemas:extension:acme:2.0:User';
const user = compileResourceType({
  id: 'User',
  name: 'User',
  endpoint: '/Users',
  description: '',
  schema: { ...userSchema, attributes: userSchema.attributes.filter(({ name }) => name !== 'nickName') },
  extensions: [],
});
const lenient = profileOf('lenient');

describe('S-032 what a client sends and nothing holds', () => {
  it('is told of by name: attributes, and extensions under a URN that is not known', () => {
    const body = { schemas: [userSchema.id, acme], id: '1', userName: 'a', nickName: 'n', password: 'p', meta: {}, [acme]: { badge: 1 } };
    expect(parseResource(body, user, lenient).ignored).toEqual(['nickName', acme]);
    const operations = [
      { op: 'replace', value: { title: 't', nickName: 'n', [`${acme}:badge`]: 1 } },
      { op: 'add', value: { [acme]: { badge: 1 } } },
    ];
    const patch = parsePatch({ schemas: [PATCH_SCHEMA], Operations: operations });
    const resource = { schemas: [userSchema.id], id: '1', userName: 'a' };
    expect(applyPatch(resource, patch, user, { profile: lenient, deferred: [] })).toMatchObject({
      ignored: ['nickName', `${acme}:badge`, acme],
      resource: { title: 't' },
    });
    expect(() => applyPatch(resource, patch, user, { profile: profileOf('strict'), deferred: [] })).toThrow('There is no attribute "nickName"');
    expect(() => parseResource({ ...body, schemas: [userSchema.id], nickName: undefined }, user, profileOf('strict'))).toThrow('There is no attribute');
  });

  it('is told of for elements that have no place: a second address, an e-mail address of a type that is not mapped', () => {
    const [type] = compileSchema(
      { objectTypes: [{ name: 'person', attributes: ['id', 'mail', 'street'].map((name) => ({ name, type: 'string', anchor: name === 'id' })) }] },
      { dnAsAnchor: false },
    ).values();
    if (type === undefined) throw new Error('no type');
    const mapping = [
      { scim: 'userName', attribute: 'id' },
      { scim: 'emails[type eq "work"].value', attribute: 'mail' },
      { scim: 'addresses.streetAddress', attribute: 'street' },
    ];
    const configuration = { objectType: 'person', resourceType: 'User', endpoint: 'Users', mapping, excluded: [], queryable: [] };
    const model = buildResourceModel('clean', 'app', type, configuration, defaultCapabilities);
    const emails = [
      { type: 'work', value: 'a' },
      { type: 'home', value: 'b' },
    ];
    const addresses = [{ streetAddress: 'x' }, { type: 'other', streetAddress: 'y' }, { streetAddress: 'z', locality: 'here' }];
    expect(leftOut(model, { schemas: [], emails, addresses } as unknown as ScimResource)).toEqual([
      'emails[type eq "home"]',
      'addresses[type eq "other"]',
      'addresses',
    ]);
    expect(
      leftOut(model, { schemas: [], emails: [{ type: 'work', value: 'a', primary: true }], addresses: [{ streetAddress: 'x' }] } as unknown as ScimResource),
    ).toEqual([]);
  });

  it('is in the log once for each client, and never with a value', () => {
    const lines: unknown[] = [];
    const quiet = (): void => {};
    const { note } = createIgnoredAttributes({ debug: quiet, info: quiet, error: quiet, warn: (fields) => lines.push(fields) });
    const model = { configuration: { endpoint: 'Users' } } as ResourceModel;
    const context = { client: 'entra', correlation: 'x' };
    note(model, context, ['nickName', acme]);
    note(model, context, ['NICKNAME']);
    note(model, context, []);
    note(model, { ...context, client: 'okta' }, ['nickName', 'x'.repeat(9999)]);
    expect(lines).toEqual([
      { client: 'entra', correlation: 'x', endpoint: 'Users', attributes: ['nickName', acme] },
      { client: 'okta', correlation: 'x', endpoint: 'Users', attributes: ['nickName', 'x'.repeat(200)] },
    ]);
    for (let index = 0; index < 2000; index += 1) note(model, context, [`made-up-${index}`]);
    expect(lines.length).toBeLessThan(1005);
  });
});
