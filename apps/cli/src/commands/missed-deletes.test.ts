import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfiguration } from '@landbridge/server';
import { expect, it } from 'vitest';
import { findMissedDeletes } from './missed-deletes.ts';

it('a reference that is not closed is a text like others, and does not swallow the document behind it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-missed-deletes-'));
  try {
    const file = join(folder, 'landbridge.yaml');
    const text = `version: 1
connectors:
  hr:
    package: sql
    parameters: { dialect: sqlite, file: '\${env:NOT_CLOSED', objectTypes: { person: { table: people, anchor: [id] } } }
    objectTypes: { person: { resourceType: User, mapping: { userName: login } } }
`;
    writeFileSync(file, text);
    const { document } = parseConfiguration(text);
    if (document === undefined) throw new Error('the document of the test is not valid');
    expect(await findMissedDeletes(document, file)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
