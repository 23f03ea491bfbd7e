import type { EncodedAttributes } from '@landbridge/connector-sdk';
import type { StoreModel } from '../connector-store.ts';
import { compileModel, EMPTY_MODEL, type StoredModel } from '../rules/stored-model.ts';
import type { Queries } from './connection.ts';
import { indexKeys, keyExpression, multiValueKeys, toRecords } from './records.ts';

/** Reads the model that the connector's schema was last configured with. */
export async function readModel(queries: Queries): Promise<{ readonly model: StoredModel; readonly text: string }> {
  const text = String((await queries.get("SELECT value FROM meta WHERE name = 'model'"))?.['value'] ?? JSON.stringify(EMPTY_MODEL));
  return { model: await compile(queries, JSON.parse(text) as StoreModel), text };
}

async function compile(queries: Queries, model: StoreModel): Promise<StoredModel> {
  const numbers = (rows: Awaited<ReturnType<Queries['all']>>): ReadonlyMap<string, number> =>
    new Map(rows.map((row) => [String(row['name']), Number(row['id'])]));
  return compileModel(model, numbers(await queries.all('SELECT id, name FROM types')), numbers(await queries.all('SELECT id, name FROM attributes')));
}

/**
 * Brings indexes in line with a model, in the transaction of the caller. Entries stay (R23); hashes are forgotten where the
 * model changed, so that the next import compares bodies; watermarks are forgotten (R24).
 *
 * @returns the model in force, or `undefined` when it is the one that was.
 */
export async function applyModel(queries: Queries, next: StoreModel): Promise<StoredModel | undefined> {
  const text = JSON.stringify(next);
  if ((await readModel(queries)).text === text) return undefined;
  for (const type of next.objectTypes) {
    await queries.all('INSERT INTO types(name) VALUES ($1) ON CONFLICT DO NOTHING', type.name);
    for (const attribute of type.attributes) await queries.all('INSERT INTO attributes(name) VALUES ($1) ON CONFLICT DO NOTHING', attribute.name);
  }
  const model = await compile(queries, next);
  await dropIndexes(queries);
  await fillKeys(queries, model);
  await createIndexes(queries, model);
  await fillReferenceKeys(queries, model);
  // Those whose keys were written have none any more: each entry is written once.
  await queries.all('UPDATE entries SET hash = NULL WHERE hash IS NOT NULL');
  await queries.all('DELETE FROM watermarks');
  await queries.all("INSERT INTO meta(name, value) VALUES ('model', $1) ON CONFLICT(name) DO UPDATE SET value = excluded.value", text);
  return model;
}

/** Filling keys without their indexes, which are made anew, takes a fraction of the time; those of attributes that are none any more go for good. */
async function dropIndexes(queries: Queries): Promise<void> {
  const indexes = await queries.all("SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname ~ '^entries_k[0-9]+_'");
  for (const { indexname } of indexes) await queries.all(`DROP INDEX "${String(indexname)}"`);
}

/** Makes the indexes of the queryable attributes. */
export async function createIndexes(queries: Queries, model: StoredModel): Promise<void> {
  for (const type of model.types.values())
    for (const attribute of type.attributes.values())
      if (attribute.column !== undefined)
        await queries.all(`CREATE INDEX IF NOT EXISTS entries_${attribute.column} ON entries(${keyExpression(attribute, '')}, otype)`);
}

const PAGE = 1000;

/** Writes the comparison keys of references anew: another model may compare them otherwise. */
async function fillReferenceKeys(queries: Queries, model: StoredModel): Promise<void> {
  let last: Awaited<ReturnType<Queries['get']>>;
  do {
    const rows = await queries.all(
      'SELECT entry, attr, raw, key FROM refs WHERE (entry, attr, raw) > ($1::bigint, $2::integer, $3::text) ORDER BY entry, attr, raw LIMIT $4',
      Number(last?.['entry'] ?? -1),
      Number(last?.['attr'] ?? -1),
      String(last?.['raw'] ?? ''),
      PAGE,
    );
    last = rows.at(-1);
    const others = rows
      .map((row) => ({
        entry: Number(row['entry']),
        attr: Number(row['attr']),
        raw: String(row['raw']),
        key: model.referenceKey(String(row['raw'])),
        was: row['key'],
      }))
      .filter((row) => row.key !== row.was)
      .map(({ entry, attr, raw, key }) => ({ entry, attr, raw, key }));
    if (others.length > 0)
      await queries.all(
        `UPDATE refs r SET key = x.key FROM json_to_recordset($1) AS x(entry bigint, attr integer, raw text, key text)
         WHERE r.entry = x.entry AND r.attr = x.attr AND r.raw = x.raw`,
        toRecords(others),
      );
  } while (last !== undefined);
}

/** Writes the keys of entries already there: what became queryable is found at once. */
async function fillKeys(queries: Queries, model: StoredModel): Promise<void> {
  await queries.all('DELETE FROM mv');
  for (let after = 0; ; ) {
    const rows = await queries.all('SELECT id, otype, body FROM entries WHERE id > $1 ORDER BY id LIMIT $2', after, PAGE);
    if (rows.length === 0) return;
    const known = rows.flatMap((row) => {
      const type = model.typesById.get(Number(row['otype']));
      return type === undefined ? [] : [{ id: Number(row['id']), type, attributes: JSON.parse(String(row['body'])) as EncodedAttributes }];
    });
    const keys = known.map(({ id, type, attributes }) => ({ id, keys: indexKeys(type, attributes) }));
    await queries.all(
      'UPDATE entries e SET keys = x.keys::jsonb, hash = NULL FROM json_to_recordset($1) AS x(id bigint, keys text) WHERE e.id = x.id',
      toRecords(keys),
    );
    const values = known.flatMap(({ id, type, attributes }) => multiValueKeys(type, attributes).map((one) => ({ ...one, entry: id })));
    await queries.all(
      'INSERT INTO mv(attr, key, entry) SELECT attr, key, entry FROM json_to_recordset($1) AS x(attr integer, key text, entry bigint)',
      toRecords(values),
    );
    after = Number(rows.at(-1)?.['id']);
  }
}
