import type { Claim, Intent, IntentOutcome } from '../connector-store.ts';
import { flag } from '../rules/entry-flags.ts';
import { attributeOf, type StoredAttribute, type StoredType, typeOf } from '../rules/stored-model.ts';
import type { Row, Session } from './connection.ts';
import { keyExpression, toIndexKey, toRecords } from './records.ts';
import { claimName, type Writer } from './writer.ts';

const JOURNAL_TYPES = `id bigint, kind text, state text, otype integer, entry bigint, scim_id text, credential text, method text, target text, key text,
  correlation text, at bigint, link text, sealed text, claims text, effect text, steps text, events text`;
const JOURNAL_COLUMNS = JOURNAL_TYPES.split(',')
  .map((column) => column.trim().split(' ')[0])
  .join(', ');

const INSERT_JOURNAL = `INSERT INTO journal(${JOURNAL_COLUMNS}) SELECT ${JOURNAL_COLUMNS} FROM json_to_recordset($1) AS x(${JOURNAL_TYPES})`;
const INSERT_CLAIMS =
  'INSERT INTO claims(otype, attr, key, journal) SELECT otype, attr, key, journal FROM json_to_recordset($1) AS x(otype integer, attr integer, key text, journal bigint)';

/** What intents are judged by: the rows of their entries, and who has the values that they claim. */
export interface Known {
  readonly rows: ReadonlyMap<number, Row>;
  readonly owners: ReadonlyMap<string, number>;
}

/** Reads what intents are judged by. */
export async function readKnown(writer: Writer, session: Session, intents: readonly Intent[]): Promise<Known> {
  const ids = intents.flatMap((intent) => intent.entryId ?? []);
  const [rows, owners] = await Promise.all([
    ids.length === 0 ? [] : session.all('SELECT id, version, scim_id FROM entries WHERE id = ANY($1::bigint[])', ids),
    findOwners(writer, session, intents),
  ]);
  return { rows: new Map(rows.map((row) => [Number(row['id']), row])), owners };
}

/** Makes the intents of a batch durable and takes their claims, in the transaction of the caller (R12, R15). */
export async function takeIntents(writer: Writer, session: Session, intents: readonly Intent[], { rows, owners }: Known): Promise<readonly IntentOutcome[]> {
  const journal: Readonly<Record<string, string | number | null>>[] = [];
  const claimed: { otype: number; attr: number; key: string; journal: number }[] = [];

  function take(intent: Intent): IntentOutcome {
    const type = typeOf(writer, intent.objectType);
    const row = intent.entryId === undefined ? undefined : rows.get(intent.entryId);
    if (intent.entryId !== undefined) {
      const open = writer.open.get(intent.entryId);
      if (open !== undefined) return { status: 'in-doubt', journalId: open.journalId };
      if (row === undefined) return { status: 'gone' };
      if (intent.expectedVersion !== undefined && row['version'] !== intent.expectedVersion) return { status: 'conflict', version: Number(row['version']) };
    }
    const claims = intent.claims.map((claim) => ({ claim, attr: attributeOf(type, claim.attribute).id, key: toIndexKey(claim.key) }));
    for (const { claim, attr, key } of claims) {
      const journalId = writer.claims.get(claimName(type.id, attr, key));
      if (journalId !== undefined) return { status: 'claimed', claim, journalId, inDoubt: isInDoubt(writer, journalId) };
      const owner = owners.get(claimName(type.id, attr, claim.key));
      if (owner !== undefined && owner !== intent.entryId) return { status: 'claimed', claim, entryId: owner, inDoubt: false };
    }
    const entryId = intent.entryId ?? writer.nextEntryId;
    if (intent.entryId === undefined) writer.nextEntryId += 1;
    const journalId = writer.nextJournalId;
    writer.nextJournalId += 1;
    journal.push(journalRow(writer, intent, journalId, entryId, type.id, row === undefined ? null : String(row['scim_id'])));
    for (const { attr, key } of claims) {
      claimed.push({ otype: type.id, attr, key, journal: journalId });
      writer.claims.set(claimName(type.id, attr, key), journalId);
    }
    writer.open.set(entryId, {
      journalId,
      kind: intent.kind,
      otype: type.id,
      claims: claims.map(({ attr, key }) => ({ attr, key })),
      importsGoOn: intent.held === true,
      inDoubtSince: undefined,
    });
    return { status: 'intended', journalId, entryId };
  }

  const outcomes = intents.map(take);
  await Promise.all([
    journal.length > 0 && session.all(INSERT_JOURNAL, toRecords(journal)),
    claimed.length > 0 && session.all(INSERT_CLAIMS, toRecords(claimed)),
  ]);
  return outcomes;
}

function isInDoubt(writer: Writer, journalId: number): boolean {
  for (const open of writer.open.values()) if (open.journalId === journalId) return open.inDoubtSince !== undefined;
  return false;
}

function journalRow(
  writer: Writer,
  intent: Intent,
  id: number,
  entry: number,
  otype: number,
  scimId: string | null,
): Readonly<Record<string, string | number | null>> {
  const { request } = intent;
  return {
    id,
    kind: intent.kind,
    state: intent.held ? 'held' : 'intended',
    otype,
    entry,
    scim_id: scimId,
    credential: request.credential,
    method: request.method,
    target: request.target,
    key: request.key,
    correlation: request.correlation,
    at: intent.at,
    link: intent.link === undefined ? null : JSON.stringify(intent.link),
    sealed: intent.sealed ?? null,
    claims: JSON.stringify(intent.claims),
    effect: JSON.stringify(intent.effect),
    steps: intent.steps,
    events: intent.events === undefined || !writer.announces ? null : JSON.stringify(intent.events),
  };
}

/** The entries that have the values claimed, by {@link claimName} of the value: one statement for each attribute. */
async function findOwners(writer: Writer, session: Session, intents: readonly Intent[]): Promise<ReadonlyMap<string, number>> {
  const asked = new Map<StoredAttribute, { readonly type: StoredType; readonly keys: Set<string> }>();
  for (const intent of intents) {
    const type = typeOf(writer, intent.objectType);
    for (const claim of intent.claims) {
      const attribute = attributeOf(type, claim.attribute);
      const met = asked.get(attribute) ?? { type, keys: new Set() };
      asked.set(attribute, met);
      met.keys.add(claim.key);
    }
  }
  const owners = new Map<string, number>();
  const find = async ([attribute, { type, keys }]: [StoredAttribute, { readonly type: StoredType; readonly keys: ReadonlySet<string> }]): Promise<void> => {
    const list = [...keys].map((key) => ({ key, asked: askedKey(writer, attribute, key) }));
    const rows = await session.all(ownerStatement(attribute), toRecords(list), type.id);
    for (const row of rows) owners.set(claimName(type.id, attribute.id, String(row['key'])), Number(row['id']));
  };
  await Promise.all([...asked].map(find));
  return owners;
}

function askedKey(writer: Writer, attribute: StoredAttribute, claim: Claim['key']): string {
  if (attribute.column === undefined && !attribute.multiValued) return writer.model.anchorKey(claim);
  return attribute.column !== undefined && attribute.type === 'integer' ? claim : toIndexKey(claim);
}

function ownerStatement(attribute: StoredAttribute): string {
  const keys = 'json_to_recordset($1) AS x(key text, asked text)';
  if (attribute.column !== undefined) {
    const asked = attribute.type === 'integer' ? 'x.asked::bigint' : 'x.asked';
    return `SELECT x.key, e.id FROM ${keys} JOIN entries e ON ${keyExpression(attribute)} = ${asked} AND e.otype = $2 AND e.flags & ${flag.absent} = 0`;
  }
  return attribute.multiValued
    ? `SELECT x.key, e.id FROM ${keys} JOIN mv ON mv.attr = ${attribute.id} AND mv.key = x.asked JOIN entries e ON e.id = mv.entry AND e.otype = $2`
    : `SELECT x.key, e.id FROM ${keys} JOIN entries e ON e.otype = $2 AND e.anchor_key = x.asked`;
}
