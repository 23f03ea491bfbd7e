import { fork } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Attributes,
  ConnectorError,
  compileSchema,
  encodeAttributes,
  type HierarchyNode,
  type ImportEntry,
  type Partition,
  toConnectorError,
  type Value,
} from '@landbridge/connector-sdk';
import { add, addOf, changeOf, expectValues, fail, importAll, keyOf, put, read } from './check-steps.ts';
import type { ContractCheck, PreparedHarness } from './run-contract-checks.ts';

/** Checks at the edges of the contract: capabilities, sessions, partitions, and what is left when a process dies. */
const always = (): boolean => true;
const imports = ({ connector, capabilities }: PreparedHarness): boolean => capabilities.import && connector.openImport !== undefined;
const exports = (harness: PreparedHarness): boolean => imports(harness) && harness.capabilities.export && harness.connector.openExport !== undefined;
const finds = (harness: PreparedHarness): boolean => exports(harness) && harness.capabilities.find && harness.connector.find !== undefined;

export const boundaryChecks: readonly ContractCheck[] = [
  { id: 'capabilities', title: 'what is declared is there', applies: always, run: capabilitiesAreTrue },
  { id: 'capabilities-stable', title: 'capabilities are the same each time', applies: always, run: capabilitiesAreStable },
  { id: 'schema-valid', title: 'the schema is consistent, with an anchor for each object type', applies: always, run: schemaIsValid },
  {
    id: 'parameters-valid',
    title: 'parameters that work are found valid',
    applies: ({ connector }) => connector.validateParameters !== undefined,
    run: parametersAreValid,
  },
  { id: 'import-anchors', title: 'each imported entry has its whole anchor', applies: imports, run: anchorsAreWhole },
  { id: 'import-types', title: 'imported values have the types of the schema', applies: imports, run: valuesHaveTypes },
  { id: 'import-end', title: 'the end-of-data mark comes once everything was read, not before', applies: imports, run: endIsTheEnd },
  { id: 'import-unread', title: 'an import can be closed unread, and opened again', applies: imports, run: importCanStayUnread },
  { id: 'import-repeat', title: 'two imports of an unchanged application bring the same', applies: imports, run: importIsRepeatable },
  {
    id: 'partitions',
    title: 'partitions bring distinct entries, and all of them',
    applies: (harness) => imports(harness) && harness.capabilities.partitions,
    run: partitionsAreDistinct,
  },
  {
    id: 'hierarchy',
    title: 'the hierarchy has distinct children, and ends',
    applies: ({ connector, capabilities }) => capabilities.hierarchy && connector.hierarchy !== undefined,
    run: hierarchyEnds,
  },
  { id: 'export-empty', title: 'a session without changes opens and closes', applies: exports, run: emptySessionIsHarmless },
  { id: 'export-again', title: 'a session takes several batches, and another one follows', applies: exports, run: sessionsFollow },
  {
    id: 'export-neighbours',
    title: 'a wrong entry leaves its neighbours in the batch alone',
    applies: (harness) => exports(harness) && harness.capabilities.isolatedEntries,
    run: neighboursAreApplied,
  },
  {
    id: 'export-parallel',
    title: 'as many sessions work side by side as are declared',
    applies: (harness) => exports(harness) && harness.capabilities.parallelWrites > 1,
    run: sessionsWorkSideBySide,
  },
  {
    id: 'export-replace',
    title: 'a replace leaves nothing of what was',
    applies: (harness) => exports(harness) && harness.capabilities.exportType === 'object-replace',
    run: replaceIsWhole,
  },
  {
    id: 'export-rename',
    title: 'a rename keeps the anchor and the attributes',
    applies: (harness) => exports(harness) && harness.capabilities.objectRename && !harness.capabilities.dnAsAnchor,
    run: renameKeepsAnchor,
  },
  { id: 'export-required', title: 'an add without a required attribute is refused, not made', applies: exports, run: requiredIsRequired },
  {
    id: 'export-at-once',
    title: 'what was put is there when the process dies before the close, as declared (R17)',
    applies: (harness) => exports(harness) && harness.capabilities.resultsApply === 'at-once' && harness.module !== undefined,
    run: putSurvivesAKill,
  },
  {
    id: 'delta-again',
    title: 'a delta may be read again from the same watermark',
    applies: (harness) => exports(harness) && harness.capabilities.deltaImport,
    run: deltaIsRepeatable,
  },
  {
    id: 'delta-unknown',
    title: 'a watermark that makes no sense is watermark-lost',
    applies: (harness) => imports(harness) && harness.capabilities.deltaImport,
    run: unknownWatermarkIsLost,
  },
  {
    id: 'delta-last',
    title: 'an entry that changed twice comes with its last state',
    applies: (harness) => exports(harness) && harness.capabilities.deltaImport,
    run: deltaHasTheLastState,
  },
  { id: 'find-none', title: 'finding nothing is an empty answer', applies: finds, run: findingNothingIsEmpty },
  { id: 'find-limit', title: 'find keeps to its limit and says when there is more', applies: finds, run: findKeepsItsLimit },
  {
    id: 'password',
    title: 'a password is set on an entry, and on nothing that is not there',
    applies: (harness) => exports(harness) && harness.capabilities.password && harness.connector.openPassword !== undefined,
    run: passwordIsSet,
  },
  {
    id: 'unreachable',
    title: 'an application that cannot be reached is an error that says so, and gives no secret away',
    applies: ({ unreachable }) => unreachable !== undefined,
    run: unreachableIsSaid,
  },
];

async function capabilitiesAreTrue({ connector, capabilities }: PreparedHarness): Promise<void> {
  const methods = [
    ['import', capabilities.import, connector.openImport],
    ['deltaImport', capabilities.deltaImport, connector.openImport],
    ['export', capabilities.export, connector.openExport],
    ['password', capabilities.password, connector.openPassword],
    ['partitions', capabilities.partitions, connector.partitions],
    ['hierarchy', capabilities.hierarchy, connector.hierarchy],
    ['find', capabilities.find, connector.find],
    ['test', capabilities.test, connector.test],
    ['watch', capabilities.watch, connector.watch],
  ] as const;
  const missing = methods.find(([, declared, method]) => declared && method === undefined);
  if (missing !== undefined) fail(`"${missing[0]}" is declared and its function is missing`);
  if (capabilities.exportMaxBatch < 1 || capabilities.importDefaultPage < 1 || capabilities.importMaxPage < capabilities.importDefaultPage)
    fail('the limits of batches and pages make no sense');
  if (capabilities.parallelWrites < 1) fail('"parallelWrites" is below 1');
}

async function capabilitiesAreStable({ connector, context }: PreparedHarness): Promise<void> {
  const [first, second] = [await connector.capabilities(context), await connector.capabilities(context)];
  if (JSON.stringify(first) !== JSON.stringify(second)) fail('two calls gave two sets of capabilities');
}

async function schemaIsValid({ schema, capabilities }: PreparedHarness): Promise<void> {
  compileSchema(schema, { dnAsAnchor: capabilities.dnAsAnchor });
  const known = new Set(schema.objectTypes.map((type) => type.name));
  for (const type of schema.objectTypes)
    for (const attribute of type.attributes)
      for (const target of attribute.referenceTypes ?? [])
        if (!known.has(target)) fail(`"${type.name}.${attribute.name}" refers to "${target}", which is no object type`);
}

async function parametersAreValid({ connector, context }: PreparedHarness): Promise<void> {
  for (const page of ['capabilities', 'connectivity', 'schema', 'global'] as const) {
    const problems = (await connector.validateParameters?.(page, 1, context)) ?? [];
    if (problems.length > 0) fail(`the page "${page}" refuses parameters that work: ${problems[0]?.message ?? ''}`);
  }
}

async function anchorsAreWhole(harness: PreparedHarness): Promise<void> {
  const types = compileSchema(harness.schema, { dnAsAnchor: harness.capabilities.dnAsAnchor });
  for (const entry of (await importAll(harness)).entries)
    for (const attribute of types.get(entry.objectType)?.anchor ?? [])
      if (entry.anchor[attribute.name] === undefined) fail(`an entry of "${entry.objectType}" has no "${attribute.name}"`);
}

async function valuesHaveTypes(harness: PreparedHarness): Promise<void> {
  const types = compileSchema(harness.schema, { dnAsAnchor: harness.capabilities.dnAsAnchor });
  for (const entry of (await importAll(harness)).entries) {
    const type = types.get(entry.objectType);
    if (type === undefined) fail(`an entry is of the type "${entry.objectType}", which the schema does not have`);
    encodeAttributes(type, { ...entry.attributes, ...entry.anchor });
  }
}

async function endIsTheEnd(harness: PreparedHarness): Promise<void> {
  const everything = (await importAll(harness, { pageSize: 500 })).entries.length;
  const { signal } = new AbortController();
  const session =
    (await harness.connector.openImport?.(harness.context, { kind: 'full', schema: harness.schema, pageSize: 3, signal })) ?? fail('there is no import');
  let read = 0;
  let pages = 0;
  for (let more = true; more; pages += 1) {
    const page = await session.readPage({ signal });
    read += page.entries.length;
    more = page.more;
    if (pages > everything + 100) fail('the import does not end');
  }
  await session.close('normal');
  if (read !== everything) fail(`small pages brought ${read} entries instead of ${everything}`);
}

async function importCanStayUnread(harness: PreparedHarness): Promise<void> {
  const { signal } = new AbortController();
  for (let round = 0; round < 3; round += 1) {
    const session = await harness.connector.openImport?.(harness.context, { kind: 'full', schema: harness.schema, pageSize: 5, signal });
    await session?.close('cancelled');
  }
  await importAll(harness);
}

async function importIsRepeatable(harness: PreparedHarness): Promise<void> {
  const shape = (entries: readonly ImportEntry[]): string =>
    entries
      .map((entry) => JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)))
      .sort()
      .join('\n');
  const first = shape((await importAll(harness)).entries);
  const second = shape((await importAll(harness)).entries);
  if (first !== second) fail('two imports brought different entries');
}

async function partitionsAreDistinct(harness: PreparedHarness): Promise<void> {
  const { signal } = new AbortController();
  const partitions = (await harness.connector.partitions?.(harness.context, { signal })) ?? [];
  if (partitions.length === 0) fail('partitions are declared and there is none');
  if (new Set(partitions.map((partition) => partition.id)).size !== partitions.length) fail('two partitions have the same identifier');
  const seen = new Set<string>();
  for (const partition of partitions)
    for (const entry of await importPartition(harness, partition)) {
      const key = `${entry.objectType} ${JSON.stringify(entry.anchor, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))} ${entry.dn ?? ''}`;
      if (seen.has(key)) fail(`an entry is in two partitions: ${key}`);
      seen.add(key);
    }
}

async function importPartition({ connector, context, schema }: PreparedHarness, partition: Partition): Promise<readonly ImportEntry[]> {
  const { signal } = new AbortController();
  const session = (await connector.openImport?.(context, { kind: 'full', schema, pageSize: 100, partition, signal })) ?? fail('there is no import');
  const entries: ImportEntry[] = [];
  for (let more = true; more; ) {
    const page = await session.readPage({ signal });
    entries.push(...page.entries);
    more = page.more;
  }
  await session.close('normal');
  return entries;
}

async function hierarchyEnds({ connector, context }: PreparedHarness): Promise<void> {
  const { signal } = new AbortController();
  const seen = new Set<string>();
  const waiting: (HierarchyNode | undefined)[] = [undefined];
  while (waiting.length > 0) {
    const children = (await connector.hierarchy?.(context, waiting.shift(), { signal })) ?? [];
    for (const child of children) {
      if (seen.has(child.dn)) fail(`the container "${child.dn}" comes twice`);
      seen.add(child.dn);
      if (seen.size < 1000) waiting.push(child);
    }
  }
}

async function emptySessionIsHarmless(harness: PreparedHarness): Promise<void> {
  const before = (await importAll(harness)).entries.length;
  const { signal } = new AbortController();
  const session = await harness.connector.openExport?.(harness.context, { kind: 'delta', schema: harness.schema, batchSize: 10, signal });
  await session?.close('normal');
  if ((await importAll(harness)).entries.length !== before) fail('a session without changes changed something');
}

async function sessionsFollow(harness: PreparedHarness): Promise<void> {
  const { signal } = new AbortController();
  for (let round = 0; round < 2; round += 1) {
    const session =
      (await harness.connector.openExport?.(harness.context, { kind: 'delta', schema: harness.schema, batchSize: 1, signal })) ?? fail('there is no export');
    for (let batch = 0; batch < 2; batch += 1) {
      const [result] = await session.put([addOf(harness, `${round} ${batch}`, harness.sample())], { signal });
      if (result?.error !== undefined) fail(result.error.message);
    }
    await session.close('normal');
  }
}

async function neighboursAreApplied(harness: PreparedHarness): Promise<void> {
  const good = harness.sample();
  const bad = addOf(harness, 'bad', harness.sample());
  const results = await put(harness, [
    { ...bad, changes: [...bad.changes, { name: 'no such attribute', modification: 'add', values: ['x'] }] },
    addOf(harness, 'good', good),
  ]);
  if (results.find((result) => result.id === 'bad')?.error === undefined) fail('the wrong entry was not refused');
  const right = results.find((result) => result.id === 'good');
  if (right?.error !== undefined) fail(`its neighbour was refused: ${right.error.message}`);
  const anchor = right?.anchor ?? addOf(harness, 'good', good).anchor ?? fail('an add gave no anchor');
  expectValues(await read(harness, anchor), encodeAttributes(harness.type, good));
}

async function sessionsWorkSideBySide(harness: PreparedHarness): Promise<void> {
  const results = await Promise.all(
    Array.from({ length: harness.capabilities.parallelWrites }, (_, index) => put(harness, [addOf(harness, `${index}`, harness.sample())])),
  );
  for (const [result] of results) if (result?.error !== undefined) fail(result.error.message);
}

async function replaceIsWhole(harness: PreparedHarness): Promise<void> {
  const { attribute, values } = harness.change;
  const base = harness.sample();
  const anchor = await add(harness, { ...base, [attribute]: values[0] });
  const changes = addOf(harness, 'r', base).changes.filter((change) => change.name !== attribute);
  const [result] = await put(harness, [{ id: 'r', modification: 'replace', objectType: harness.objectType, anchor, changes }]);
  if (result?.error !== undefined) fail(result.error.message);
  if ((await read(harness, anchor))?.[attribute] !== undefined) fail(`"${attribute}" is still there`);
}

async function renameKeepsAnchor(harness: PreparedHarness): Promise<void> {
  const entry = (await importAll(harness)).entries.find((one) => one.objectType === harness.objectType && one.dn !== undefined);
  if (entry?.dn === undefined) return;
  const newDn = entry.dn.replace(/^([^=]+)=([^,]*)/, '$1=$2 renamed');
  const rename = async (from: string, to: string): Promise<void> => {
    const [result] = await put(harness, [
      { id: 'n', modification: 'update', objectType: harness.objectType, anchor: entry.anchor, dn: from, newDn: to, changes: [] },
    ]);
    if (result?.error !== undefined) fail(result.error.message);
  };
  await rename(entry.dn, newDn);
  const after = (await importAll(harness)).entries.find((one) => one.objectType === harness.objectType && keyOf(harness, one) === keyOf(harness, entry));
  if (after?.dn?.toLowerCase() !== newDn.toLowerCase()) fail(`the entry is named ${after?.dn ?? 'nothing'} instead of ${newDn}`);
  await rename(newDn, entry.dn);
}

async function requiredIsRequired(harness: PreparedHarness): Promise<void> {
  const required = harness.type.definition.attributes.find((attribute) => attribute.required && !attribute.assigned && !attribute.anchor);
  if (required === undefined) return;
  const { [required.name]: _, ...rest } = harness.sample();
  const before = (await importAll(harness)).entries.length;
  const [result] = await put(harness, [addOf(harness, 'a', rest)]);
  if (result?.error === undefined) fail(`an add without "${required.name}" was accepted`);
  if ((await importAll(harness)).entries.length !== before) fail('the refused entry is there');
}

async function putSurvivesAKill(harness: PreparedHarness): Promise<void> {
  const { module = '' } = harness;
  const attributes = harness.sample();
  const child = fork(new URL('./put-and-wait.ts', import.meta.url), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const answer = await Promise.race([
    new Promise<string>((resolve) => child.once('message', (message: { readonly put: string }) => resolve(message.put))),
    ended.then(() => `the process ended: ${said.slice(0, 300)}`),
    new Promise<string>((resolve) => {
      child.send({
        module: isAbsolute(module) ? pathToFileURL(module).href : module,
        parameters: harness.context.parameters,
        connector: harness.context.connector,
        folder: harness.context.folder,
        schema: harness.schema,
        change: addOf(harness, 'k', attributes),
      });
      setTimeout(() => resolve('nothing within 30 seconds'), 30_000).unref();
    }),
  ]);
  child.kill('SIGKILL');
  await ended;
  if (answer !== 'done') fail(`the put failed: ${answer}`);
  const { attribute, value } = marker(harness, attributes);
  const all = (await importAll(harness, { pageSize: 500 })).entries;
  if (!all.some((entry) => JSON.stringify(encodeAttributes(harness.type, { ...entry.attributes, ...entry.anchor })[attribute]) === value))
    fail('what was put is gone with its process');
}

/** What tells a sample from others. */
function marker(harness: PreparedHarness, attributes: Attributes): { readonly attribute: string; readonly value: string } {
  const attribute =
    harness.unique ??
    harness.type.anchor.find((one) => attributes[one.name] !== undefined)?.name ??
    fail('the harness names neither a unique attribute nor an anchor');
  return { attribute, value: JSON.stringify(encodeAttributes(harness.type, { [attribute]: attributes[attribute] as Value })[attribute]) };
}

async function deltaIsRepeatable(harness: PreparedHarness): Promise<void> {
  const { watermark } = await importAll(harness);
  if (watermark === undefined) fail('a full import gave no watermark');
  const anchor = await add(harness, harness.sample());
  for (let round = 0; round < 2; round += 1) {
    const { entries } = await importAll(harness, { watermark });
    if (
      !entries.some((entry) => entry.objectType === harness.objectType && keyOf(harness, entry) === keyOf(harness, { anchor, objectType: harness.objectType }))
    )
      fail(`reading ${round === 0 ? 'once' : 'again'} from a watermark missed an entry`);
  }
}

async function unknownWatermarkIsLost(harness: PreparedHarness): Promise<void> {
  try {
    await importAll(harness, { watermark: 'no watermark of mine' });
  } catch (error) {
    const { code } = toConnectorError(error);
    if (code !== 'watermark-lost') fail(`a watermark that makes no sense gave ${code}`);
    return;
  }
  fail('a watermark that makes no sense was taken');
}

async function deltaHasTheLastState(harness: PreparedHarness): Promise<void> {
  const { attribute, values } = harness.change;
  const { watermark } = await importAll(harness);
  if (watermark === undefined) fail('a full import gave no watermark');
  const anchor = await add(harness, { ...harness.sample(), [attribute]: values[0] });
  await put(harness, [changeOf(harness, 'update', anchor, [{ name: attribute, modification: 'replace', values: [values[1]] }])]);
  const { entries } = await importAll(harness, { watermark });
  const mine = entries.filter(
    (entry) => entry.objectType === harness.objectType && keyOf(harness, entry) === keyOf(harness, { anchor, objectType: harness.objectType }),
  );
  const last = mine.at(-1);
  if (last === undefined) fail('the entry is missing in the delta');
  if (last.modification !== 'update') expectValues(encodeAttributes(harness.type, last.attributes ?? {}), { [attribute]: values[1] });
}

async function find(harness: PreparedHarness, value: string, limit: number) {
  return harness.connector.find?.(harness.context, {
    schema: harness.schema,
    objectType: harness.objectType,
    filter: { kind: 'compare', attribute: harness.change.attribute, comparison: 'equal', value, type: 'string', caseExact: true },
    limit,
    signal: new AbortController().signal,
  });
}

async function findingNothingIsEmpty(harness: PreparedHarness): Promise<void> {
  const found = await find(harness, 'a value that nobody has', 10);
  if (found?.entries.length !== 0 || found.truncated) fail('something was found');
}

async function findKeepsItsLimit(harness: PreparedHarness): Promise<void> {
  const value = `shared ${Math.random()}`;
  for (let count = 0; count < 3; count += 1) await add(harness, { ...harness.sample(), [harness.change.attribute]: value });
  const some = await find(harness, value, 2);
  if (some === undefined || some.entries.length > 2) fail('more entries came than were asked for');
  if (!some.truncated) fail('there are more entries, and find does not say so');
  const all = await find(harness, value, 3);
  if (all?.entries.length !== 3 || all.truncated) fail('find does not give exactly what there is');
}

async function passwordIsSet(harness: PreparedHarness): Promise<void> {
  const anchor = await add(harness, harness.sample());
  const { signal } = new AbortController();
  const session = (await harness.connector.openPassword?.(harness.context, { signal })) ?? fail('there is no password session');
  try {
    await session.set({ objectType: harness.objectType, anchor }, 'Correct-horse-7-battery', {});
    await put(harness, [changeOf(harness, 'delete', anchor, [])]);
    const refused = await session.set({ objectType: harness.objectType, anchor }, 'Correct-horse-8-battery', {}).then(
      () => undefined,
      (error: unknown) => toConnectorError(error).code,
    );
    if (refused !== 'not-found') fail(`setting the password of a missing entry gave ${refused ?? 'success'}`);
  } finally {
    await session.close();
  }
}

async function unreachableIsSaid({ connector, unreachable, schema, secrets = [] }: PreparedHarness): Promise<void> {
  if (unreachable === undefined) return;
  const { signal } = new AbortController();
  let thrown: unknown;
  try {
    const session = await connector.openImport?.(unreachable, { kind: 'full', schema, pageSize: 10, signal });
    await session?.readPage({ signal });
    await session?.close('normal');
  } catch (error) {
    thrown = error;
  }
  if (thrown === undefined) fail('an application that is not there was imported');
  const error = toConnectorError(thrown);
  if (!(thrown instanceof ConnectorError) || error.code === 'unknown') fail(`the error explains nothing: ${error.message}`);
  const text = JSON.stringify([error.message, error.detail]);
  if (secrets.some((secret) => text.includes(secret))) fail('the error gives a secret away');
}
