import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Capabilities, Connector, ConnectorContext, ParameterValue, SchemaObjectType } from '@landbridge/connector-sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { contractChecks, openScriptedApplication, runContractChecks, type ScriptedApplication } from './index.ts';
import { connector as scripted } from './scripted/connector.ts';

/** The kit passes a right connector and finds what is wrong with a wrong one. */
const person: SchemaObjectType = {
  name: 'person',
  attributes: [
    { name: 'id', type: 'string', anchor: true, assigned: true },
    { name: 'login', type: 'string', unique: true, required: true },
    { name: 'title', type: 'string' },
    { name: 'mails', type: 'string', multiValued: true },
    { name: 'pay', type: 'integer' },
  ],
};
const open: { application: ScriptedApplication; folder: string }[] = [];
const quiet = (): void => {};
let next = 0;

afterEach(() => {
  for (const { application, folder } of open.splice(0)) {
    application.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

function harnessOf(connector: Connector, capabilities: Partial<Capabilities> = {}, parameters: Record<string, ParameterValue> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-kit-'));
  const application = openScriptedApplication(join(folder, 'app.sqlite'));
  open.push({ application, folder });
  for (const [index, partition] of ['DC=a', 'DC=b', 'DC=a'].entries())
    application.put({
      type: 'person',
      key: `${index}`,
      partition,
      dn: `CN=p${index},OU=people,${partition}`,
      attributes: { id: `${index}`, login: `seed${index}`, pay: '9223372036854775807' },
    });
  const contextOf = (file: string): ConnectorContext => ({
    connector: 'kit',
    // The schema is plain JSON.
    parameters: { file, schema: [person] as unknown as ParameterValue, capabilities: capabilities as ParameterValue, ...parameters },
    folder,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  return {
    application,
    harness: {
      connector,
      context: contextOf(application.file),
      objectType: 'person',
      sample() {
        next += 1;
        return { login: `user${next}`, mails: ['b', 'a'], pay: 2n ** 53n + BigInt(next) };
      },
      change: { attribute: 'title', values: ['Analyst', 'engineer'] as const },
      unique: 'login',
      module: join(import.meta.dirname, 'scripted/connector.ts'),
    },
  };
}

async function failedChecks(
  connector: Connector,
  only: readonly string[],
  capabilities: Partial<Capabilities> = {},
  parameters: Record<string, ParameterValue> = {},
): Promise<readonly string[]> {
  const results = await runContractChecks(harnessOf(connector, capabilities, parameters).harness, { only });
  return results.filter((result) => result.status === 'failed').map((result) => result.id);
}

describe('S-249 the contract test kit', () => {
  it('has at least 30 checks with distinct names', () => {
    expect(contractChecks.length).toBeGreaterThanOrEqual(30);
    expect(new Set(contractChecks.map((check) => check.id)).size).toBe(contractChecks.length);
  });

  it('passes the scripted connector, with everything it can declare', async () => {
    const partitions = [
      { id: 'DC=a', dn: 'DC=a', name: 'a' },
      { id: 'DC=b', dn: 'DC=b', name: 'b' },
    ];
    const everything: Partial<Capabilities> = {
      partitions: true,
      hierarchy: true,
      distinguishedNameStyle: 'ldap',
      objectRename: true,
      parallelWrites: 2,
      resultsApply: 'at-once',
      exportType: 'object-replace',
    };
    const { harness } = harnessOf(scripted, everything, { partitions });
    const results = await runContractChecks(harness);
    expect(results.filter((result) => result.status === 'failed')).toEqual([]);
    expect(results.filter((result) => result.status === 'not-applicable').map((result) => result.id)).toEqual(['parameters-valid', 'unreachable']);
  });

  it('kills between put and close: a connector that applies at close and claims otherwise is found out (R17)', async () => {
    expect(await failedChecks(scripted, ['export-at-once'], { resultsApply: 'at-once' }, { commitAtClose: true })).toContain('export-at-once');
  });

  const sabotage: readonly { readonly check: string; readonly what: string; readonly connector: Connector }[] = [
    {
      check: 'schema-stable',
      what: 'a schema that changes',
      connector: {
        ...scripted,
        schema: async () => ({ objectTypes: [{ ...person, attributes: [...person.attributes, { name: `x${Math.random()}`, type: 'string' }] }] }),
      },
    },
    { check: 'parameters', what: 'a parameter twice', connector: { ...scripted, parameters: () => [{ name: 'a', kind: 'string' }] } },
    { check: 'capabilities', what: 'a capability without its function', connector: without('openPassword') },
    { check: 'capabilities', what: 'find without a function', connector: without('find') },
    {
      check: 'parameters-valid',
      what: 'a validation that refuses what works',
      connector: { ...scripted, validateParameters: () => [{ parameter: 'file', message: 'no' }] },
    },
    { check: 'test-layers', what: 'a test that says nothing', connector: { ...scripted, async *test() {} } },
    { check: 'import-once', what: 'an entry twice', connector: pages((entries) => [...entries, ...entries.slice(0, 1)]) },
    { check: 'import-anchors', what: 'an entry without an anchor', connector: pages((entries) => entries.map((entry) => ({ ...entry, anchor: {} }))) },
    {
      check: 'import-types',
      what: 'a number where text is declared',
      connector: pages((entries) => entries.map((entry) => ({ ...entry, attributes: { ...entry.attributes, login: 5n } }))),
    },
    {
      check: 'import-selected',
      what: 'attributes that were not selected',
      connector: pages((entries) => entries.map((entry) => ({ ...entry, attributes: { login: 'x' } }))),
    },
    { check: 'import-end', what: 'an end before the end', connector: early() },
    {
      check: 'import-repeat',
      what: 'another answer each time',
      connector: pages((entries) => entries.map((entry) => ({ ...entry, attributes: { ...entry.attributes, title: `${Math.random()}` } }))),
    },
    {
      check: 'export-add',
      what: 'values that are cut',
      connector: puts((change) => ({
        ...change,
        changes: change.changes.map((one) =>
          'values' in one ? { ...one, values: one.values.map((value) => (typeof value === 'string' ? value.slice(0, 5) : value)) } : one,
        ),
      })),
    },
    {
      check: 'export-update',
      what: 'updates that are not made',
      connector: puts((change) => (change.modification === 'update' ? { ...change, changes: [] } : change)),
    },
    {
      check: 'export-clear',
      what: 'values that cannot be removed',
      connector: puts((change) => ({ ...change, changes: change.changes.filter((one) => one.modification !== 'delete') })),
    },
    {
      check: 'export-delete',
      what: 'deletes that are not made',
      connector: puts((change) => (change.modification === 'delete' ? { ...change, modification: 'update' } : change)),
    },
    { check: 'export-missing', what: 'errors that are swallowed', connector: answers((results) => results.map(({ error: _, ...result }) => result)) },
    {
      check: 'export-unique',
      what: 'a neighbour refused with the wrong one',
      connector: answers((results) =>
        results.map((result) =>
          results.some((one) => one.error !== undefined) ? { ...result, error: { code: 'already-exists', message: 'all of them' } } : result,
        ),
      ),
    },
    {
      check: 'export-identity',
      what: 'identifiers of its own',
      connector: answers((results) => results.map((result) => ({ ...result, id: `my ${result.id}` }))),
    },
    {
      check: 'export-required',
      what: 'a required attribute made up',
      connector: puts((change) =>
        change.modification === 'add' && !change.changes.some((one) => one.name === 'login')
          ? { ...change, changes: [...change.changes, { name: 'login', modification: 'add', values: [`made up ${Math.random()}`] }] }
          : change,
      ),
    },
    {
      check: 'values',
      what: 'values that are interpreted',
      connector: puts((change) => ({
        ...change,
        changes: change.changes.map((one) =>
          'values' in one ? { ...one, values: one.values.map((value) => (typeof value === 'string' ? value.replaceAll('%', '') : value)) } : one,
        ),
      })),
    },
    { check: 'delta', what: 'a delta without deletes', connector: pages((entries) => entries.filter((entry) => entry.modification !== 'delete')) },
    {
      check: 'delta-last',
      what: 'a delta with old values',
      connector: pages((entries, kind) =>
        kind === 'delta' ? entries.map((entry) => ({ ...entry, attributes: { ...entry.attributes, title: 'old' } })) : entries,
      ),
    },
    {
      check: 'find',
      what: 'a find that ignores case where it must not',
      connector: finds((request) => ({ ...request, filter: request.filter.kind === 'compare' ? { ...request.filter, caseExact: false } : request.filter })),
    },
    {
      check: 'values',
      what: 'a find that takes a wildcard from a value',
      connector: finds((request) =>
        request.filter.kind === 'compare' && request.filter.value === '_'
          ? { ...request, filter: { kind: 'present', attribute: request.filter.attribute } }
          : request,
      ),
    },
    { check: 'find-limit', what: 'a find without limits', connector: finds((request) => ({ ...request, limit: 1_000_000 })) },
    {
      check: 'password',
      what: 'a password set on nothing',
      connector: { ...scripted, openPassword: async () => ({ security: 'secure', set: async () => {}, change: async () => {}, close: async () => {} }) },
    },
  ];

  for (const { check, what, connector } of sabotage)
    it(`finds ${what} by the check "${check}"`, async () => {
      expect(await failedChecks(connector, [check])).toEqual([check]);
    });

  it('finds a watermark that is taken although it makes no sense', async () => {
    // The scripted connector itself is lenient here: it is the broken variant, unless it checks.
    const lenient: Connector = {
      ...scripted,
      openImport: async (context, step) =>
        required(scripted.openImport)(context, step.kind === 'delta' && !/^\d+$/.test(step.watermark ?? '') ? { ...step, watermark: '0' } : step),
    };
    expect(await failedChecks(lenient, ['delta-unknown'])).toEqual(['delta-unknown']);
  });
});

function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the scripted connector lacks a function');
  return value;
}

function without(name: 'openPassword' | 'find'): Connector {
  const { [name]: _, ...rest } = scripted;
  return rest;
}

type Entries = Awaited<ReturnType<Awaited<ReturnType<NonNullable<Connector['openImport']>>>['readPage']>>['entries'];

function pages(alter: (entries: Entries, kind: 'full' | 'delta') => Entries): Connector {
  return {
    ...scripted,
    async openImport(context, step) {
      const session = await required(scripted.openImport)(context, step);
      return {
        ...session,
        async readPage(options) {
          const page = await session.readPage(options);
          return { ...page, entries: alter(page.entries, step.kind) };
        },
      };
    },
  };
}

function early(): Connector {
  return {
    ...scripted,
    async openImport(context, step) {
      const session = await required(scripted.openImport)(context, step);
      return { ...session, readPage: async (options) => ({ ...(await session.readPage(options)), more: step.pageSize > 100 }) };
    },
  };
}

type Put = Awaited<ReturnType<NonNullable<Connector['openExport']>>>['put'];

function exporting(alter: (put: Put) => Put): Connector {
  return {
    ...scripted,
    async openExport(context, step) {
      const session = await required(scripted.openExport)(context, step);
      return { ...session, put: alter(session.put.bind(session)) };
    },
  };
}

function puts(alter: (change: Parameters<Put>[0][number]) => Parameters<Put>[0][number]): Connector {
  return exporting((put) => (changes, options) => put(changes.map(alter), options));
}

function answers(alter: (results: Awaited<ReturnType<Put>>) => Awaited<ReturnType<Put>>): Connector {
  return exporting((put) => async (changes, options) => alter(await put(changes, options)));
}

function finds(alter: (request: Parameters<NonNullable<Connector['find']>>[1]) => Parameters<NonNullable<Connector['find']>>[1]): Connector {
  return { ...scripted, find: (context, request) => required(scripted.find)(context, alter(request)) };
}
