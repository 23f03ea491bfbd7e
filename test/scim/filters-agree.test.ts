import {
  compileResourceType,
  formatFilter,
  matchesFilter,
  orderValues,
  parseFilter,
  resolveFilter,
  type ScimAttribute,
  type ScimFilter,
} from '@landbridge/scim';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../packages/scim-testkit/src/connection.ts';
import type { ScimConnection } from '../../packages/scim-testkit/src/index.ts';
import { postgresPrograms } from '../../tools/backends.ts';
import { type PrivatePostgres, startPostgres } from '../backends/postgres.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/**
 * What the store answers by SQL, and the host by scanning, is what the reference evaluator says of the resources themselves. The
 * evaluator works on the schemas that the service shows, so that they are held to the truth as well.
 */
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
let host: DirectoryHost;
let postgres: PrivatePostgres | undefined;
let scim: ScimConnection;
let type: ReturnType<typeof compileResourceType>;
let everybody: readonly Json[];

const WORDS = [
  'a',
  'A',
  'ab',
  'Ab',
  'aB',
  'b',
  'é',
  'e\u0301',
  'É',
  'ß',
  'ss',
  'ı',
  'İ',
  'i',
  '%',
  '_',
  '\\',
  '"',
  "'",
  ' a',
  'a ',
  '10',
  '9',
  '😀',
  '\uffee',
  'z',
];
const word = fc.constantFrom(...WORDS);

const strings = [
  'name.givenName',
  'displayName',
  'title',
  `${ENTERPRISE}:department`,
  `${ENTERPRISE}:costCenter`,
  'emails.value',
  'emails',
  'roles.value',
  'roles',
  'addresses.locality',
  'externalId',
] as const;
const comparisons = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const;
const term = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.constantFrom(...strings), fc.constantFrom(...comparisons), word)
      .map(([path, operator, value]) => `${path} ${operator} ${JSON.stringify(value)}`),
  },
  fc
    .tuple(fc.constantFrom(...strings, 'active', 'name', 'id', 'meta.created'), fc.boolean())
    .map(([path, present]) => (present ? `${path} pr` : `${path} eq null`)),
  fc.constantFrom('active eq true', 'active ne true', 'active eq false'),
  // What no attribute of the application is: the fixed parts of elements, and what the host shows of references, groups and itself.
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'emails.type eq "work"',
      'emails.type ne "work"',
      'emails.type pr',
      'emails.type sw "H"',
      'emails.primary eq true',
      'emails.primary ne true',
      'emails.primary pr',
      'emails[primary eq true and value eq "ab"]',
      'emails[type eq "home" and primary eq true]',
      'emails[not (type eq "work")]',
      'addresses.type eq "work"',
      'addresses.primary eq true',
      'addresses[type eq "work" and country eq "b"]',
      'addresses.country pr',
      'manager pr',
      'manager.displayName co "a"',
      `${ENTERPRISE}:manager[displayName eq "ab"]`,
      'groups pr',
      'groups.display eq "A"',
      'groups.type eq "direct"',
      'groups[display sw "a" and type eq "direct"]',
      'meta.resourceType eq "User"',
      'meta.version eq "W/\\"1\\""',
      'meta.location co "Users"',
      `schemas eq "${ENTERPRISE}"`,
      'schemas co "enterprise"',
    ),
  },
  fc
    .tuple(fc.constantFrom('work', 'home', 'other'), fc.constantFrom('eq', 'sw', 'ne', 'co'), word)
    .map(([kind, operator, value]) => `emails[type eq "${kind}" and value ${operator} ${JSON.stringify(value)}]`),
  fc
    .tuple(fc.constantFrom('work', 'home'), fc.constantFrom('eq', 'gt', 'pr'))
    .map(([kind, operator]) => (operator === 'pr' ? `emails[type eq "${kind}"]` : `emails[type eq "${kind}"].value ${operator} "ab"`)),
  fc
    .tuple(fc.constantFrom('eq', 'ne', 'gt', 'le'), fc.integer({ min: -2, max: 3 }))
    .map(([operator, value]) => `urn:ietf:params:scim:schemas:extension:landbridge:dir:2.0:User:badge ${operator} ${value}`),
);
const filters = fc.letrec<{ filter: string }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    term,
    fc.tuple(tie('filter'), fc.constantFrom('and', 'or'), tie('filter')).map(([left, operator, right]) => `(${left}) ${operator} (${right})`),
    tie('filter').map((inner) => `not (${inner})`),
  ),
})).filter;

async function start(store: 'SQLite' | 'PostgreSQL'): Promise<void> {
  postgres = store === 'PostgreSQL' ? await startPostgres() : undefined;
  host = await startDirectoryHost(postgres === undefined ? {} : { store: postgres });
  scim = await host.connect();
  const people = fc.sample(
    fc.record({
      given: fc.option(word),
      display: fc.option(word),
      title: fc.option(word),
      department: fc.option(word),
      cost: fc.option(word),
      work: fc.option(word),
      home: fc.option(word),
      city: fc.option(word),
      country: fc.option(word),
      team: fc.option(fc.constantFrom('a', 'A b', 'c')),
      external: fc.option(word),
      roles: fc.uniqueArray(word, { maxLength: 3 }),
      active: fc.boolean(),
      badge: fc.option(fc.integer({ min: -2, max: 12 })),
    }),
    { numRuns: 60, seed: 11 },
  );
  let manager: string | undefined;
  const teams = new Map<string, { readonly value: string }[]>();
  for (const [index, one] of people.entries()) {
    const emails = [
      { type: 'work', value: one.work },
      { type: 'home', value: one.home },
    ].filter((email) => email.value !== null);
    const body = {
      schemas: [USER],
      userName: `u${index}`,
      name: { givenName: one.given },
      displayName: one.display,
      title: one.title,
      externalId: one.external,
      active: one.active,
      emails,
      roles: one.roles.map((value) => ({ value })),
      addresses: one.city === null && one.country === null ? [] : [{ type: 'work', locality: one.city, country: one.country }],
      [ENTERPRISE]: { department: one.department, costCenter: one.cost, ...(manager === undefined || index % 3 === 0 ? {} : { manager: { value: manager } }) },
      'urn:ietf:params:scim:schemas:extension:landbridge:dir:2.0:User': { badge: one.badge },
    };
    const answer = await scim.send('POST', '/Users', { body });
    expect(answer.status, answer.text).toBe(201);
    manager = String(answer.body['id']);
    if (one.team !== null) teams.set(one.team, [...(teams.get(one.team) ?? []), { value: manager }]);
  }
  for (const [displayName, members] of teams)
    expect((await scim.send('POST', '/Groups', { body: { schemas: [GROUP], displayName, members } })).status).toBe(201);
  const list = async (query: string): Promise<readonly Json[]> => (await scim.send('GET', `/Users?count=1000${query}`)).body['Resources'] as readonly Json[];
  // Groups are there for who asks by name.
  const groups = await list('&attributes=groups');
  everybody = (await list('')).map((one, index) => ({ ...one, ...(groups[index]?.['groups'] === undefined ? {} : { groups: groups[index]['groups'] }) }));
  const schemas = (await scim.send('GET', '/Schemas')).body['Resources'] as readonly Json[];
  const toSchema = (json: Json) => ({
    id: String(json['id']),
    name: String(json['name']),
    description: '',
    attributes: (json['attributes'] as readonly Json[]).map(toAttribute),
  });
  type = compileResourceType({
    id: 'User',
    name: 'User',
    endpoint: '/Users',
    description: '',
    schema: toSchema(schemas.find((one) => one['id'] === USER) ?? {}),
    extensions: schemas.filter((one) => String(one['id']).endsWith(':User') && one['id'] !== USER).map((one) => ({ schema: toSchema(one), required: false })),
  });
}

function toAttribute(json: Json): ScimAttribute {
  const subs = json['subAttributes'] as readonly Json[] | undefined;
  const defaults = { caseExact: false, uniqueness: 'none' };
  return {
    ...defaults,
    ...(json as unknown as ScimAttribute),
    ...(subs === undefined ? {} : { subAttributes: subs.map(toAttribute) }),
  };
}

describe.each(['SQLite', 'PostgreSQL'] as const)('filters, kept in %s', (store) => {
  const isHere = store === 'SQLite' || postgresPrograms() !== undefined;

  beforeAll(async () => {
    if (isHere) await start(store);
  });

  afterAll(async () => {
    if (!isHere) return;
    await host.close();
    await postgres?.stop();
  });

  it.skipIf(!isHere)('S-250 S-058 S-009 the service finds what the reference evaluator finds, for any filter over any values', async () => {
    const sizes: number[] = [];
    await fc.assert(
      fc.asyncProperty(filters, async (text) => {
        const parsed: ScimFilter = parseFilter(text);
        expect(parseFilter(formatFilter(parsed))).toEqual(parsed);
        const resolved = resolveFilter(parsed, type, { strict: true });
        const wanted = everybody.filter((one) => matchesFilter(resolved, one)).map((one) => one['userName']);
        const answer = await scim.send('GET', `/Users?count=1000&attributes=userName&filter=${encodeURIComponent(text)}`);
        expect(answer.status, answer.text).toBe(200);
        const found = (answer.body['Resources'] as readonly Json[]).map((one) => one['userName']);
        expect(found, text).toEqual(wanted);
        expect(answer.body['totalResults']).toBe(wanted.length);
        sizes.push(wanted.length);
      }),
      { numRuns: 350, seed: 20_261_125 },
    );
    expect(sizes.filter((size) => size > 0 && size < everybody.length).length).toBeGreaterThan(100);
  });

  it.skipIf(!isHere)('S-104 S-105 S-103 sorting by any attribute is the order of the reference, ties by id', async () => {
    for (const [path, caseExact] of [
      ['title', false],
      ['displayName', false],
      ['name.givenName', false],
      [`${ENTERPRISE}:costCenter`, true],
    ] as const) {
      const read = (one: Json): unknown => {
        if (path.startsWith('urn')) return (one[ENTERPRISE] as Json | undefined)?.['costCenter'];
        return path.split('.').reduce<unknown>((value, name) => (value as Json | undefined)?.[name], one);
      };
      for (const order of ['ascending', 'descending'] as const) {
        const answer = await scim.send('GET', `/Users?count=1000&sortBy=${encodeURIComponent(path)}&sortOrder=${order}`);
        const values = (answer.body['Resources'] as readonly Json[]).map(read);
        expect(values).toHaveLength(everybody.length);
        const definition = { type: 'string', caseExact, name: 'x' } as const;
        for (let index = 1; index < values.length; index += 1) {
          const [left, right] = order === 'ascending' ? [values[index - 1], values[index]] : [values[index], values[index - 1]];
          if (left === undefined) expect(right, `${path} ${order}`).toBeUndefined();
          else if (right !== undefined)
            expect(orderValues(definition, left, right), `${path} ${order}: ${String(left)} ${String(right)}`).toBeLessThanOrEqual(0);
        }
      }
    }
  });
});
