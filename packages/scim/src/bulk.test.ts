import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BULK_REQUEST_SCHEMA, cutReferences, parseBulk, planBulk, resolveBulkIds } from './bulk.ts';
import { ScimError } from './errors.ts';
import { profileOf } from './profiles.ts';

const limits = { maxOperations: 5000 };
const strict = profileOf('strict');
const create = (bulkId: string, ...needs: readonly string[]) => ({
  method: 'POST',
  path: '/Groups',
  bulkId,
  data: { members: needs.map((value) => ({ value: `bulkId:${value}` })) },
});
const parse = (...Operations: readonly unknown[]) => parseBulk({ schemas: [BULK_REQUEST_SCHEMA], Operations }, limits, strict).operations;
const order = (...operations: readonly unknown[]) => planBulk(parse(...operations)).map(({ index, later }) => [index, ...later]);

describe('bulk plans', () => {
  it('S-188 what is referred to comes first, and otherwise the order stays', () => {
    expect(order(create('a'), create('b'), create('c'))).toEqual([[0], [1], [2]]);
    expect(order(create('a', 'c'), create('b'), create('c'))).toEqual([[2], [0], [1]]);
    expect(order({ method: 'PATCH', path: '/Groups/bulkId:b', data: {} }, create('b'))).toEqual([[1], [0]]);
  });

  it('S-189 a circle is opened at one place', () => {
    expect(order(create('a', 'b'), create('b', 'a'))).toEqual([[1, 'a'], [0]]);
    expect(order(create('a', 'a'))).toEqual([[0, 'a']]);
  });

  it('S-188 S-189 every graph is planned: each operation once, and after what it needs unless it says that comes later', () => {
    const graph = fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 20 });
    fc.assert(
      fc.property(graph, (edges) => {
        const steps = planBulk(parse(...edges.map((needs, index) => create(`n${index}`, ...needs.map((one) => `n${one}`)))));
        expect(steps.map((step) => step.index).sort((a, b) => a - b)).toEqual([...edges.keys()]);
        const done = new Set<string>();
        for (const { index, later } of steps) {
          for (const need of edges[index] ?? []) if (need < edges.length && !later.has(`n${need}`)) expect(done.has(`n${need}`)).toBe(true);
          for (const bulkId of later) expect(done.has(bulkId)).toBe(false);
          done.add(`n${index}`);
        }
      }),
    );
  });

  it('S-099 SEC-28 a chain of thousands does not exhaust the stack', () => {
    const chain = Array.from({ length: 5000 }, (_, index) => create(`n${index}`, `n${index + 1}`));
    expect(order(...chain).length).toBe(5000);
  });

  it('S-189 what is cut is left out of the create and named for later: lists, values, extensions', () => {
    const later = new Set(['x']);
    const urn = 'urn:example:2.0:User';
    const { data, edges } = cutReferences({ a: 1, members: [{ value: 'bulkId:x' }, { value: 'y' }], [urn]: { manager: { value: 'bulkId:x' }, b: 2 } }, later);
    expect(data).toEqual({ a: 1, members: [{ value: 'y' }], [urn]: { b: 2 } });
    expect(edges).toEqual([
      { path: 'members', value: [{ value: 'bulkId:x' }] },
      { path: `${urn}:manager`, value: { value: 'bulkId:x' } },
    ]);
  });

  it('S-188 references are replaced in values and in the filters of paths; unknown ones stay', () => {
    const ids = new Map([['x', '1"2']]);
    expect(resolveBulkIds({ a: 'bulkId:x', b: ['members[value eq "bulkId:x"]'], c: 'bulkId:z', d: 5 }, ids)).toEqual({
      a: '1"2',
      b: ['members[value eq "1\\"2"]'],
      c: 'bulkId:z',
      d: 5,
    });
  });

  it('S-185 S-186 paths that lead elsewhere are a fault of their operation', () => {
    const paths = [
      'https://x.example/Users',
      '//x.example/Users',
      '/Users/../Groups',
      '/Users/a/b',
      '/Users/%2e%2e',
      '/Users/a%2fb',
      '/Users?x=1',
      '/Users/.search',
      '',
      '/',
    ];
    for (const path of paths) expect(parse({ method: 'DELETE', path })[0]?.fault, path).toBeInstanceOf(ScimError);
    expect(parse({ method: 'DELETE', path: '/v2/Users/a%20b' })[0]).toMatchObject({ endpoint: 'Users', id: 'a b', fault: undefined });
  });
});
