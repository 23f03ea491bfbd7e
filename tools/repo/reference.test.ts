import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { referencePages } from '../reference/pages.ts';

/** The reference pages are made from what the program is; when it changes, they must. */
describe('the reference pages', async () => {
  const pages = await referencePages();

  it.each(Object.keys(pages))('%s is up to date (else: npm run reference)', (file) => {
    expect(existsSync(file) ? readFileSync(file, 'utf8') : '').toBe(pages[file]);
  });

  it('every page is there, and has something in every row that a reader looks for', () => {
    expect(Object.keys(pages)).toHaveLength(5);
    expect(pages['docs/reference/cli.md']).toContain('## landbridge connector test');
    expect(pages['docs/reference/cli.md']).toContain('landbridge run hr full');
    expect(pages['docs/reference/configuration.md']).toContain('`connectors.NAME.deletionThreshold.percent`');
    expect(pages['docs/reference/admin-api.md']).toContain('`POST /admin/v1/connectors/{connector}/runs`');
    expect(pages['docs/reference/sql-parameters.md']).toContain('`objectTypes.NAME.multiValued.NAME.key`');
    expect(pages['docs/reference/errors.md']).toContain('`already-exists`');
  });

  it('every option of the configuration has a description', () => {
    // Names of the administrator's own are described where they are a map.
    const bare = (pages['docs/reference/configuration.md'] ?? '').split('\n').filter((line) => line.endsWith(' |  |') && !/^\| `[^`]*NAME` /.test(line));
    expect(bare).toEqual([]);
  });
});
