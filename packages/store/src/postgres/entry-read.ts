import type { EntryRow, LinkRow } from '../connector-store.ts';
import { flag } from '../rules/entry-flags.ts';
import { toEntryRow as mapEntryRow } from '../rules/row-mapping.ts';
import type { StoredModel } from '../rules/stored-model.ts';
import type { Row } from './connection.ts';

/** Entries `e` with what their link says, in one statement. */
export const ENTRY_SELECT = `e.id, e.otype, e.scim_id, e.anchor, e.dn, e.partition, e.version, e.created, e.modified, e.flags, e.body, l.state AS link_state, l.shadow, l.aliases,
  CASE WHEN l.scim_id IS NOT NULL THEN (SELECT json_object_agg(x.client, x.external_id) FROM link_external x WHERE x.scim_id = l.scim_id) END AS externals`;
export const ENTRY_FROM = `entries e LEFT JOIN links l ON e.flags & ${flag.link} <> 0 AND l.scim_id = e.scim_id`;

/** An entry row from a database row of {@link ENTRY_SELECT}. */
export function toEntryRow(model: StoredModel, row: Row): EntryRow {
  return mapEntryRow(model, row, row['link_state'] === null ? undefined : toLinkRow(row));
}

function toLinkRow(row: Row): LinkRow {
  return {
    state: String(row['link_state']) as LinkRow['state'],
    shadow: JSON.parse(String(row['shadow'])) as LinkRow['shadow'],
    aliases: JSON.parse(String(row['aliases'])) as readonly string[],
    externalIds: row['externals'] === null ? {} : (JSON.parse(String(row['externals'])) as LinkRow['externalIds']),
  };
}
