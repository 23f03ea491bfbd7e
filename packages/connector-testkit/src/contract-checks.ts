import {
  type Attributes,
  type EncodedAttributes,
  type EntryFilter,
  encodeAttributes,
  matchesEntry,
  readAnchor,
  type TestLayer,
  type Value,
} from '@landbridge/connector-sdk';
import { boundaryChecks } from './boundary-checks.ts';
import { add, addOf, changeOf, expectValues, fail, importAll, keyOf, put, read } from './check-steps.ts';
import { codeValues } from './code-values.ts';
import type { ContractCheck, PreparedHarness } from './run-contract-checks.ts';

const always = (): boolean => true;
const imports = ({ connector, capabilities }: PreparedHarness): boolean => capabilities.import && connector.openImport !== undefined;
const exports = (harness: PreparedHarness): boolean => imports(harness) && harness.capabilities.export && harness.connector.openExport !== undefined;

/** The checks, in the order in which a connector is usually written. */
export const contractChecks: readonly ContractCheck[] = [
  { id: 'schema-stable', title: 'the schema is the same each time', applies: always, run: schemaIsStable },
  { id: 'parameters', title: 'parameters have distinct names', applies: always, run: parametersAreDistinct },
  {
    id: 'test-layers',
    title: 'the connection test passes its layers in order',
    applies: ({ connector }) => connector.test !== undefined,
    run: layersAreInOrder,
  },
  { id: 'import-once', title: 'a full import brings each entry once, in pages no larger than asked, and ends', applies: imports, run: importsOnce },
  { id: 'import-selected', title: 'an import brings selected attributes only', applies: imports, run: importsSelected },
  { id: 'import-abort', title: 'an import can be cancelled and closed, and the next one works', applies: imports, run: importCanBeCancelled },
  { id: 'export-add', title: 'an add is applied, with its anchor, and the import shows it byte for byte', applies: exports, run: addIsApplied },
  { id: 'export-update', title: 'an update changes one attribute and leaves the others', applies: exports, run: updateIsApplied },
  { id: 'export-clear', title: 'an attribute can lose its value', applies: exports, run: attributeIsCleared },
  { id: 'export-delete', title: 'a delete removes the entry', applies: exports, run: deleteIsApplied },
  { id: 'export-missing', title: 'changing or deleting what is not there is not-found', applies: exports, run: missingIsNotFound },
  { id: 'export-unknown', title: 'an unknown attribute is refused', applies: exports, run: unknownIsRefused },
  {
    id: 'export-unique',
    title: 'a unique value cannot be used twice, and neighbours in the batch are applied',
    applies: (harness) => exports(harness) && harness.unique !== undefined,
    run: uniqueIsKept,
  },
  { id: 'export-identity', title: 'results carry the identifiers of their changes, each once', applies: exports, run: resultsMatch },
  { id: 'export-repeat', title: 'adding a value that is there, or removing one that is not, does no harm', applies: exports, run: repeatsAreHarmless },
  {
    id: 'delta',
    title: 'a delta brings what was added, changed and removed, and nothing once it was read',
    applies: (harness) => exports(harness) && harness.capabilities.deltaImport,
    run: deltaIsComplete,
  },
  {
    id: 'find',
    title: 'find gives what the reference evaluator gives',
    applies: (harness) => exports(harness) && harness.capabilities.find && harness.connector.find !== undefined,
    run: findIsRight,
  },
  { id: 'values', title: 'values that look like code stay values, and find themselves alone (SEC-32, SEC-34)', applies: exports, run: valuesStayValues },
  ...boundaryChecks,
];

async function schemaIsStable({ connector, context, schema }: PreparedHarness): Promise<void> {
  const again = await connector.schema(context, { signal: new AbortController().signal });
  if (JSON.stringify(again) !== JSON.stringify(schema)) fail('two calls gave two schemas');
}

async function parametersAreDistinct({ connector, context }: PreparedHarness): Promise<void> {
  const names: string[] = [];
  for (const page of ['capabilities', 'connectivity', 'schema', 'global'] as const)
    names.push(...(await connector.parameters(page, 1, context)).filter((one) => one.kind !== 'label' && one.kind !== 'divider').map((one) => one.name));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(`the parameter "${twice}" is asked for twice`);
}

async function layersAreInOrder({ connector, context }: PreparedHarness): Promise<void> {
  const order: readonly TestLayer[] = ['name-resolution', 'tcp', 'tls', 'authentication', 'permissions', 'schema'];
  let last = -1;
  for await (const result of connector.test?.(context, { signal: new AbortController().signal }) ?? []) {
    if (result.status === 'failed') fail(`${result.layer} failed: ${result.message}`);
    if (order.indexOf(result.layer) <= last) fail(`${result.layer} comes out of order`);
    last = order.indexOf(result.layer);
  }
  if (last === -1) fail('the test said nothing');
}

async function importsOnce(harness: PreparedHarness): Promise<void> {
  const small = (await importAll(harness, { pageSize: 7 })).entries.filter((entry) => entry.objectType === harness.objectType);
  const large = (await importAll(harness, { pageSize: 500 })).entries.filter((entry) => entry.objectType === harness.objectType);
  const keys = small.map((entry) => keyOf(harness, entry));
  if (new Set(keys).size !== keys.length) fail('an anchor came twice');
  if (JSON.stringify([...keys].sort()) !== JSON.stringify(large.map((entry) => keyOf(harness, entry)).sort()))
    fail('small and large pages bring different entries');
}

async function importsSelected(harness: PreparedHarness): Promise<void> {
  const schema = { objectTypes: harness.schema.objectTypes.map((type) => ({ ...type, attributes: type.attributes.filter((attribute) => attribute.anchor) })) };
  for (const entry of (await importAll(harness, { schema })).entries)
    if (Object.keys(entry.attributes ?? {}).length > 0) fail(`"${Object.keys(entry.attributes ?? {})[0] ?? ''}" came although it is not selected`);
}

async function importCanBeCancelled(harness: PreparedHarness): Promise<void> {
  const controller = new AbortController();
  const session =
    (await harness.connector.openImport?.(harness.context, { kind: 'full', schema: harness.schema, pageSize: 5, signal: controller.signal })) ??
    fail('there is no import');
  controller.abort();
  const outcome = await Promise.race([
    session.readPage({ signal: controller.signal }).then(
      () => 'read',
      () => 'refused',
    ),
    new Promise((resolve) => setTimeout(() => resolve('hangs'), 10_000)),
  ]);
  await session.close('cancelled');
  if (outcome === 'hangs') fail('a cancelled import does not end');
  await importAll(harness);
}

async function addIsApplied(harness: PreparedHarness): Promise<void> {
  const attributes = { ...harness.sample(), [harness.change.attribute]: 'Zoë — "quotes" \u{1f600} \\ %_' };
  const anchor = await add(harness, attributes);
  expectValues(await read(harness, anchor), encodeAttributes(harness.type, attributes));
}

async function updateIsApplied(harness: PreparedHarness): Promise<void> {
  const { attribute, values } = harness.change;
  const attributes = { ...harness.sample(), [attribute]: values[0] };
  const anchor = await add(harness, attributes);
  const [result] = await put(harness, [changeOf(harness, 'update', anchor, [{ name: attribute, modification: 'replace', values: [values[1]] }])]);
  if (result?.error !== undefined) fail(result.error.message);
  expectValues(await read(harness, anchor), encodeAttributes(harness.type, { ...attributes, [attribute]: values[1] }));
}

async function attributeIsCleared(harness: PreparedHarness): Promise<void> {
  const { attribute, values } = harness.change;
  const anchor = await add(harness, { ...harness.sample(), [attribute]: values[0] });
  await put(harness, [changeOf(harness, 'update', anchor, [{ name: attribute, modification: 'delete' }])]);
  if ((await read(harness, anchor))?.[attribute] !== undefined) fail(`"${attribute}" still has a value`);
}

async function deleteIsApplied(harness: PreparedHarness): Promise<void> {
  const anchor = await add(harness, harness.sample());
  const [result] = await put(harness, [changeOf(harness, 'delete', anchor, [])]);
  if (result?.error !== undefined) fail(result.error.message);
  if ((await read(harness, anchor)) !== undefined) fail('the entry is still there');
}

async function missingIsNotFound(harness: PreparedHarness): Promise<void> {
  const anchor = await add(harness, harness.sample());
  await put(harness, [changeOf(harness, 'delete', anchor, [])]);
  for (const change of [
    changeOf(harness, 'delete', anchor, []),
    changeOf(harness, 'update', anchor, [{ name: harness.change.attribute, modification: 'replace', values: ['x'] }]),
  ]) {
    const [result] = await put(harness, [change]);
    if (result?.error?.code !== 'not-found') fail(`${change.modification} of a missing entry gave ${result?.error?.code ?? 'success'}`);
  }
}

async function unknownIsRefused(harness: PreparedHarness): Promise<void> {
  const anchor = await add(harness, harness.sample());
  const [result] = await put(harness, [changeOf(harness, 'update', anchor, [{ name: 'no such attribute', modification: 'replace', values: ['x'] }])]);
  if (result?.error?.code !== 'invalid-attribute-value') fail(`an unknown attribute gave ${result?.error?.code ?? 'success'}`);
}

async function uniqueIsKept(harness: PreparedHarness): Promise<void> {
  const { unique = '' } = harness;
  const first = harness.sample();
  await add(harness, first);
  const same = { ...harness.sample(), [unique]: first[unique] as Value };
  const other = harness.sample();
  const results = await put(
    harness,
    harness.capabilities.isolatedEntries ? [addOf(harness, '1', same), addOf(harness, '2', other)] : [addOf(harness, '1', same)],
  );
  if (results.find((result) => result.id === '1')?.error?.code !== 'already-exists') fail('the second entry with the value was not refused as already-exists');
  if (results.find((result) => result.id === '2')?.error !== undefined) fail('a neighbour in the batch was refused too');
}

async function resultsMatch(harness: PreparedHarness): Promise<void> {
  const ids = harness.capabilities.isolatedEntries ? ['x', 'y', 'z'] : ['x'];
  const results = await put(
    harness,
    ids.map((id) => addOf(harness, id, harness.sample())),
  );
  if (results.some((result) => !ids.includes(result.id)) || new Set(results.map((result) => result.id)).size !== results.length)
    fail('identifiers are wrong or repeated');
}

async function repeatsAreHarmless(harness: PreparedHarness): Promise<void> {
  const many = harness.type.definition.attributes.find((attribute) => attribute.multiValued && attribute.type === 'string');
  if (many === undefined) return;
  const anchor = await add(harness, { ...harness.sample(), [many.name]: ['one', 'two'] });
  const [result] = await put(harness, [
    changeOf(harness, 'update', anchor, [{ name: many.name, modification: 'update', added: ['two', 'three'], removed: ['four'] }]),
  ]);
  if (result?.error !== undefined) fail(result.error.message);
  expectValues(await read(harness, anchor), { [many.name]: ['one', 'three', 'two'] });
}

async function deltaIsComplete(harness: PreparedHarness): Promise<void> {
  const kept = await add(harness, harness.sample());
  const gone = await add(harness, harness.sample());
  const { watermark } = await importAll(harness);
  if (watermark === undefined) fail('a full import gave no watermark');
  const added = await add(harness, harness.sample());
  await put(harness, [changeOf(harness, 'update', kept, [{ name: harness.change.attribute, modification: 'replace', values: [harness.change.values[1]] }])]);
  await put(harness, [changeOf(harness, 'delete', gone, [])]);
  const delta = await importAll(harness, { watermark });
  const seen = new Map(delta.entries.map((entry) => [keyOf(harness, entry), entry.modification]));
  const modification = (anchor: Attributes): string | undefined => seen.get(keyOf(harness, { anchor, objectType: harness.objectType }));
  if (modification(added) === undefined || modification(kept) === undefined) fail('an added or changed entry is missing in the delta');
  if (modification(gone) !== 'delete') fail('a removed entry is missing in the delta');
  if (delta.watermark === undefined) fail('a delta gave no watermark');
}

async function findIsRight(harness: PreparedHarness): Promise<void> {
  const { attribute, values } = harness.change;
  for (const value of [...values, 'a%b', 'a_b', "o'brien", 'ÄÖ']) await add(harness, { ...harness.sample(), [attribute]: value });
  const all = (await importAll(harness, { pageSize: 500 })).entries
    .filter((entry) => entry.objectType === harness.objectType)
    .map((entry) => encodeAttributes(harness.type, { ...entry.attributes, ...entry.anchor }));
  for (const comparison of ['equal', 'not-equal', 'starts', 'ends', 'contains', 'greater', 'less'] as const) {
    for (const value of [...values, '%', '_', "'", 'äö', 'A']) {
      for (const caseExact of [true, false]) {
        const compare: EntryFilter = { kind: 'compare', attribute, comparison, value, type: 'string', caseExact };
        for (const filter of [compare, { kind: 'not', filter: compare } as const]) await compareFind(harness, filter, all);
      }
    }
  }
}

async function compareFind(harness: PreparedHarness, filter: EntryFilter, all: readonly EncodedAttributes[]): Promise<void> {
  const found = await harness.connector.find?.(harness.context, {
    schema: harness.schema,
    objectType: harness.objectType,
    filter,
    limit: 100_000,
    signal: new AbortController().signal,
  });
  const rest = found?.unevaluated;
  const key = (attributes: EncodedAttributes): string => readAnchor(harness.type, attributes) ?? '';
  const got = (found?.entries ?? [])
    .map((entry) => encodeAttributes(harness.type, { ...entry.attributes, ...entry.anchor }))
    .filter((attributes) => rest === undefined || matchesEntry(rest, attributes))
    .map(key)
    .sort();
  const wanted = all
    .filter((attributes) => matchesEntry(filter, attributes))
    .map(key)
    .sort();
  if (JSON.stringify(got) !== JSON.stringify(wanted)) fail(`${JSON.stringify(filter)} finds ${got.length} entries instead of ${wanted.length}`);
}

/** Each value is kept as it is; and it is found as it is, where the connector finds: an operator never comes from a value. */
async function valuesStayValues(harness: PreparedHarness): Promise<void> {
  const { attribute } = harness.change;
  for (const value of codeValues.slice(0, READ_EACH)) {
    const attributes = { ...harness.sample(), [attribute]: value };
    expectValues(await read(harness, await add(harness, attributes)), encodeAttributes(harness.type, attributes));
  }
  for (const value of codeValues.slice(READ_EACH)) await add(harness, { ...harness.sample(), [attribute]: value });
  const all = (await importAll(harness, { pageSize: 500 })).entries
    .filter((entry) => entry.objectType === harness.objectType)
    .map((entry) => encodeAttributes(harness.type, { ...entry.attributes, ...entry.anchor }));
  for (const value of codeValues) {
    if (!all.some((one) => one[attribute] === value)) fail(`the value ${JSON.stringify(value)} did not stay as it was`);
    if (!harness.capabilities.find || harness.connector.find === undefined) continue;
    for (const comparison of ['equal', 'starts', 'contains', 'ends'] as const)
      await compareFind(harness, { kind: 'compare', attribute, comparison, value, type: 'string', caseExact: true }, all);
  }
}

/** So many are also read back at once, one by one. */
const READ_EACH = 5;
