import { MimImportError, readMim } from '@landbridge/mim-import';
import {
  applyPatch,
  applyReplace,
  BULK_REQUEST_SCHEMA,
  compileResourceType,
  cutReferences,
  enterpriseUserSchema,
  formatFilter,
  matchesFilter,
  matchesVersion,
  PATCH_SCHEMA,
  parseAttributePath,
  parseBulk,
  parseFilter,
  parseJsonBody,
  parseListQuery,
  parsePatch,
  parseProjection,
  parseResource,
  planBulk,
  preparePassword,
  profiles,
  resolveBulkIds,
  resolveFilter,
  ScimError,
  type ScimResource,
  userSchema,
} from '@landbridge/scim';
import { parseConfiguration } from '../../apps/server/src/configuration/parse-configuration.ts';

/** One parser, or one chain of them, under the fuzzer. */
export interface Target {
  readonly name: string;
  /** Valid inputs: what is mutated. */
  readonly corpus: readonly string[];
  /** Takes an input or refuses it with a `ScimError`; anything else that it throws is a finding. */
  run(input: string): void;
}

const type = compileResourceType({
  id: 'User',
  name: 'User',
  endpoint: '/Users',
  description: '',
  schema: userSchema,
  extensions: [{ schema: enterpriseUserSchema, required: false }],
});
const person: ScimResource = {
  schemas: [userSchema.id, enterpriseUserSchema.id],
  id: '1',
  externalId: 'E',
  userName: 'ada',
  name: { givenName: 'Ada', familyName: 'L' },
  active: true,
  emails: [
    { type: 'work', value: 'a@w', primary: true },
    { type: 'home', value: 'a@h' },
  ],
  meta: { created: '2026-01-31T12:00:00Z' },
  [enterpriseUserSchema.id]: { department: 'D', manager: { value: '2' } },
};
const text = JSON.stringify(person);
const lenient = profiles['entra'];
const strict = profiles['strict'];
if (lenient === undefined || strict === undefined) throw new Error('the profiles are gone');

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`it does not hold: ${what}`);
}

const FILTERS = [
  'userName eq "bjensen"',
  'name.familyName co "O\'Malley" and not (title pr or active eq false)',
  'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]',
  'emails[type eq "work"].value eq "u@x"',
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "id"',
  'meta.lastModified gt "2011-05-13T04:42:34Z"',
  'id eq "1" or id eq "2" or (id eq "3" and (userName sw "a" or userName ew "z"))',
  "externalId eq jyoung and title eq 'x' and nickName ne null",
];

const PATCHES = [
  { op: 'replace', path: 'name.givenName', value: 'x' },
  { op: 'Add', path: 'emails[type eq "other"].value', value: 'x@y' },
  { op: 'remove', path: 'emails[value eq "a@h"]' },
  { op: 'Remove', path: 'emails', value: [{ value: 'a@w' }] },
  { op: 'replace', value: { active: 'False', 'name.familyName': 'Q', [`${enterpriseUserSchema.id}:department`]: null } },
  { op: 'add', path: 'members', value: [{ $ref: null, value: '1' }] },
  { op: 'add', path: 'roles', value: [{ value: '{"value":"Admin","displayName":"Admin"}' }] },
  { op: 'replace', path: `${enterpriseUserSchema.id}:manager`, value: '5' },
];

/** The targets. Each checks what must hold of a result, not only that nothing breaks. */
export const targets: readonly Target[] = [
  {
    name: 'filter',
    corpus: FILTERS,
    run(input) {
      for (const profile of [lenient, strict]) {
        const filter = parseFilter(input, profile);
        must(formatFilter(parseFilter(formatFilter(filter))) === formatFilter(filter), 'a filter that is formatted parses to itself');
        const resolved = resolveFilter(filter, type, { strict: profile.strict });
        must(typeof matchesFilter(resolved, person) === 'boolean', 'a filter matches or does not');
      }
    },
  },
  {
    name: 'PATCH',
    corpus: PATCHES.map((operation, index) => JSON.stringify({ schemas: [PATCH_SCHEMA], Operations: [operation, PATCHES[(index * 3 + 1) % PATCHES.length]] })),
    run(input) {
      const body = parseJsonBody(input);
      const profile = input.length % 2 === 0 ? lenient : strict;
      const operations = parsePatch(body, profile);
      const { resource, changed } = applyPatch(person, operations, type, { profile, deferred: input.length % 3 === 0 ? ['emails'] : [] });
      must(JSON.stringify(person) === text, 'the resource that is patched is not altered');
      must(changed || sameKeys(resource, person), 'what is unchanged is the same');
      const primary = (resource['emails'] ?? []) as readonly { readonly primary?: unknown }[];
      must(primary.filter((email) => email.primary === true).length <= 1, 'one element is primary');
      must(resource['id'] === '1' && resource['userName'] !== undefined, 'id and userName stay');
    },
  },
  {
    name: 'resource',
    corpus: [
      text,
      JSON.stringify({ schemas: [userSchema.id], userName: 'x', emails: null, roles: [], manager: '5', addresses: [{ type: 'work', country: 'CZ' }] }),
    ],
    run(input) {
      const profile = input.length % 2 === 0 ? lenient : strict;
      const parsed = parseResource(parseJsonBody(input), type, profile);
      const replaced = applyReplace(person, parsed, type);
      must(replaced['id'] === '1', 'a PUT keeps the id');
      parseResource(JSON.parse(JSON.stringify(replaced)) as ScimResource, type, strict);
    },
  },
  {
    name: 'JSON',
    corpus: [text, '{"a":[1,2.5,-3e2,"\\u0041\\n",{"b":{}}],"c":null}', '\ufeff{"x":"😀"}'],
    run(input) {
      const bytes = Buffer.from(input, 'utf8');
      const value = parseJsonBody(bytes);
      // Whole numbers beyond 2^53 keep their digits (R27), which JSON.parse rounds.
      const rounded: unknown = JSON.parse(JSON.stringify(value));
      must(JSON.stringify(rounded) === JSON.stringify(JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''))), 'it is what JSON.parse says');
      must(Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null, 'its prototype is nothing special');
    },
  },
  {
    name: 'bulk',
    corpus: [
      JSON.stringify({
        schemas: [BULK_REQUEST_SCHEMA],
        failOnErrors: 1,
        Operations: [
          { method: 'POST', path: '/Users', bulkId: 'a', data: { userName: 'x', manager: { value: 'bulkId:b' } } },
          { method: 'POST', path: '/Groups', bulkId: 'b', data: { members: [{ value: 'bulkId:a' }, { value: 'y' }] } },
          { method: 'PATCH', path: '/Groups/bulkId:b', version: 'W/"1"', data: { Operations: [{ op: 'remove', path: 'members[value eq "bulkId:a"]' }] } },
          { method: 'DELETE', path: '/Users/1' },
        ],
      }),
    ],
    run(input) {
      const { operations } = parseBulk(parseJsonBody(input), { maxOperations: 1000 }, input.length % 2 === 0 ? lenient : strict);
      const steps = planBulk(operations);
      must(new Set(steps.map((step) => step.index)).size === operations.length, 'every operation is planned once');
      for (const { index, later } of steps) {
        const data = operations[index]?.data ?? {};
        JSON.stringify(resolveBulkIds(cutReferences(data, later).data, new Map([['a', '1']])));
        const { endpoint = '', id = '' } = operations[index] ?? {};
        if (operations[index]?.fault === undefined) must(/^[A-Za-z][\w-]*$/.test(endpoint) && !/[/\\]/.test(id), 'a path leads to a resource');
      }
    },
  },
  {
    name: 'query and projection',
    corpus: [
      'name.givenName,emails.value',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
      'id, userName , $ref',
      'W/"1", "2"',
      '10',
      'páss wörd\u00a0x',
    ],
    run(input) {
      const shown = parseProjection(input, undefined, type).project(person);
      must(shown['id'] === '1' && shown['password'] === undefined, 'what is always shown is shown');
      must(parseProjection(undefined, input, type).project(person)['id'] === '1', 'and not left out');
      const path = parseAttributePath(input);
      must(path === undefined || !/^(?:__proto__|constructor|prototype)$/i.test(path.attribute), 'a prototype name is no path');
      matchesVersion(input, 'W/"1"');
      must(preparePassword(preparePassword(input)) === preparePassword(input), 'a password that is prepared stays so');
      const query = parseListQuery({ startIndex: input, count: input, filter: input }, { maxResults: 1000, defaultCount: 100 });
      must(query.count >= 0 && query.count <= 1000 && query.startIndex >= 1, 'a page has bounds');
    },
  },
  {
    name: 'configuration',
    corpus: [
      'version: 1\nconnectors:\n  hr:\n    package: sql\n    parameters: { dialect: sqlite, file: a.db }\n    objectTypes:\n      person: { resourceType: User, mapping: { userName: login } }\n',
      'version: 1\nserver: &s { port: 8443 }\nconnectors: {}\nother: *s\n',
    ],
    run(input) {
      const { document, problems } = parseConfiguration(input);
      must(document !== undefined || problems.length > 0, 'there is a document, or what is wrong with it');
      if (document === undefined) throw new ScimError(400, 'refused');
    },
  },
  {
    name: 'XML of MIM',
    corpus: [
      '<?xml version="1.0"?><saved-ma-configuration server="S"><ma-data><id>{1}</id><name>hr</name><category>Extensible2</category><private-configuration><MAConfig><extension-config><filename>a.dll</filename></extension-config></MAConfig></private-configuration></ma-data></saved-ma-configuration>',
      '<configuration><ConnectorInstances><ConnectorInstance><Name>a</Name></ConnectorInstance></ConnectorInstances></configuration>',
    ],
    run(input) {
      must(readMim(Buffer.from(input)).connectors.length >= 0, 'connectors are listed');
    },
  },
];

function sameKeys(left: object, right: object): boolean {
  return JSON.stringify(Object.keys(left).sort()) === JSON.stringify(Object.keys(right).sort());
}

/** Whether an error is the parser's own refusal. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ScimError || error instanceof MimImportError;
}
