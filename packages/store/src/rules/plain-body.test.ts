import { describe, expect, it } from 'vitest';
import { parseBody } from './plain-body.ts';
import { compileModel } from './stored-model.ts';

const attribute = { type: 'string', multiValued: false, caseExact: true, queryable: false, unique: false, exportOnly: false } as const;
const names = ['id', 'first name', 'mail', 'say "hi"', 'active'];
const model = compileModel(
  {
    connector: 'hr',
    normalizations: [],
    referenceForm: 'anchor',
    objectTypes: [{ name: 'person', attributes: names.map((name) => ({ ...attribute, name })) }],
  },
  new Map([['person', 1]]),
  new Map(names.map((name, index) => [name, index])),
);
const type = model.types.get('person');
if (type === undefined) throw new Error('the model has no person');

describe('R27 the body of an entry is read as it was written', () => {
  it.each([
    ['nothing', {}],
    ['texts', { id: '1', 'first name': 'Ada', mail: 'ada@example.com' }],
    ['what is left out', { id: '1', mail: 'ada@example.com' }],
    ['empty texts', { id: '', 'first name': '', mail: '' }],
    ['texts that look like the end of one', { id: '1,', 'first name': ':', mail: '},{' }],
    ['letters beyond ASCII', { id: '1', 'first name': 'Zoë 🙂', mail: 'ё@example.com' }],
    ['characters that JSON escapes', { id: '1', 'first name': 'a "b" \\ c', mail: 'x\ny' }],
    ['names that JSON escapes', { id: '1', 'say "hi"': 'x' }],
    ['flags', { id: '1', active: true }],
    ['lists', { id: '1', mail: ['a', 'b'] }],
    ['another order', { mail: 'a', id: '1' }],
    ['an attribute that is not of the type', { id: '1', other: 'x' }],
  ])('%s', (_, attributes) => {
    expect(parseBody(type, JSON.stringify(attributes))).toEqual(attributes);
  });

  it('attributes with the names of what objects inherit', () => {
    const body = '{"id":"1","__proto__":"x"}';
    const attributes = new Map([...type.attributes].flatMap(([name, one]) => (name === 'id' ? [[name, one] as const, ['__proto__', one] as const] : [])));
    expect(JSON.stringify(parseBody({ ...type, attributes }, body))).toBe(body);
  });
});
