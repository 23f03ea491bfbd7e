import type { ConnectorReader, ReferenceRow } from '@landbridge/store';

/** A page has the body of each target with it. */
const PAGE = 5000;

/** All references of an entry by an attribute, in the order of their raw values, a page at a time; other requests have their turn in between. */
export async function* referencePages(
  reader: Pick<ConnectorReader, 'readReferences'>,
  entryId: number,
  attribute: string,
): AsyncGenerator<readonly ReferenceRow[], void, void> {
  for (let afterRaw = ''; ; ) {
    const page = await reader.readReferences(entryId, attribute, { afterRaw, limit: PAGE });
    yield page;
    const last = page.at(-1)?.raw;
    if (page.length < PAGE || last === undefined) return;
    afterRaw = last;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Their raw values; `resolvedOnly` leaves out what has no target. */
export async function readAllRaw(
  reader: Pick<ConnectorReader, 'readReferences'>,
  entryId: number,
  attribute: string,
  { resolvedOnly = false }: { readonly resolvedOnly?: boolean } = {},
): Promise<readonly string[]> {
  const raw: string[] = [];
  for await (const page of referencePages(reader, entryId, attribute))
    for (const reference of page) if (!resolvedOnly || reference.entryId !== undefined) raw.push(reference.raw);
  return raw;
}
