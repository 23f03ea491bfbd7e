import { describe, expect, it } from 'vitest';
import { compileSchema, encodeAttributes } from './schema.ts';

const type = compileSchema(
  {
    objectTypes: [
      {
        name: 'person',
        attributes: [
          { name: 'id', type: 'integer', anchor: true },
          { name: 'mail', type: 'string', multiValued: true },
          { name: 'active', type: 'boolean' },
        ],
      },
    ],
  },
  { dnAsAnchor: false },
).get('person');
if (type === undefined) throw new Error('the schema has no person');

describe('R27 the attributes of an entry are encoded', () => {
  it('in the order of the schema, with those of the anchor, which go before', () => {
    const encoded = encodeAttributes(type, { active: true, mail: ['a', 'b'], id: 1n }, { id: 2n });
    expect(JSON.stringify(encoded)).toBe('{"id":"2","mail":["a","b"],"active":true}');
    expect(encodeAttributes(type, { mail: 'a' }, { id: 9007199254740993n })).toEqual({ id: '9007199254740993', mail: ['a'] });
  });

  it('or refused, by name, where the schema does not have one or it is of another type', () => {
    expect(() => encodeAttributes(type, { phone: '1' }, { id: 1n })).toThrow('has no attribute "phone"');
    expect(() => encodeAttributes(type, {}, { key: '1' })).toThrow('has no attribute "key"');
    expect(() => encodeAttributes(type, { mail: ['a', 1n] }, { id: 1n })).toThrow('attribute "mail" of "person"');
  });
});
