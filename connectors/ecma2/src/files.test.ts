import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ConnectorContext, EntryChange, ImportEntry, ParameterValue } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monoPrograms } from '../../../tools/backends.ts';
import { BRIDGE, buildConnector } from './build-worker.ts';
import { connector } from './index.ts';
import { createTestBench, importAll, putAll, type TestBench } from './testing/harness.ts';

const { signal } = new AbortController();

/** IMAExtensible2FileImport and IMAExtensible2FileExport: connectors that write and read files instead of being called for entries. */
describe.skipIf(monoPrograms() === undefined)('file-based connectors', { timeout: 120_000 }, () => {
  let bench: TestBench;
  let directory: string;
  let applications = 0;

  beforeAll(async () => {
    bench = createTestBench();
    directory = dirname(await buildConnector('Landbridge.Testing.Files', [join(BRIDGE, 'testing/FileAgent.cs')]));
  }, 120_000);
  afterAll(() => bench.remove());

  interface Application {
    readonly context: ConnectorContext;
    readonly folder: string;
    received(): string;
  }

  function application(file: ParameterValue, people: string | Buffer, names = false): Application {
    applications += 1;
    const folder = join(bench.folder, `application-${applications}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'people.txt'), people);
    const context = bench.context({ directory, file, connectivity: { Folder: folder, Names: names } });
    return { context, folder, received: () => readFileSync(join(folder, 'received.txt'), 'utf8') };
  }

  async function importDelta(context: ConnectorContext, watermark: string): Promise<{ readonly entries: readonly ImportEntry[]; readonly watermark?: string }> {
    const schema = await connector.schema(context, { signal });
    const session = await connector.openImport?.(context, { kind: 'delta', schema, pageSize: 100, watermark, signal });
    const page = await session?.readPage({ signal });
    const closed = await session?.close('normal');
    return { entries: page?.entries ?? [], ...(closed?.watermark === undefined ? {} : { watermark: closed.watermark }) };
  }

  const ada = { id: '1', login: 'ada', level: 3n, active: true, mails: ['a@x', 'ada@x'] };
  const bob = { id: '2', login: 'bob; "the" one' };
  const flat = ({ anchor, attributes }: ImportEntry): unknown => ({ ...anchor, ...attributes });

  it.each<[string, ParameterValue, string]>([
    [
      'attribute-value pairs',
      { format: 'avp' },
      'kind: person\nid: 1\nlogin: ada\nlevel: 3\nactive: true\nmails: a@x\nmails: ada@x\n\n# Bob\nid: 2\nkind: person\nlogin: bob; "the" one\nmails:\n\n\n',
    ],
    [
      'delimited with a header',
      { format: 'delimited' },
      'id,kind,login,level,active,mails\r\n1,person,ada,3,true,a@x;ada@x\r\n2,person,"bob; ""the"" one",,,\r\n',
    ],
    [
      'delimited by tabs, columns by configuration',
      { format: 'delimited', delimiter: 'tab', qualifier: 'none', valueSeparator: '|', columns: ['id', 'kind', 'login', 'level', 'active', 'mails'] },
      '1\tperson\tada\t3\t1\ta@x|ada@x\n2\tperson\tbob; "the" one\n',
    ],
    [
      'fixed width',
      {
        format: 'fixed-width',
        columns: [
          { name: 'id', width: 3 },
          { name: 'kind', width: 8 },
          { name: 'login', width: 15 },
          { name: 'level', width: 2 },
          { name: 'active', width: 5 },
          { name: 'mails', width: 20 },
        ],
      },
      '1  person  ada            3 true a@x;ada@x\n2  person  bob; "the" one\n',
    ],
    [
      'LDIF',
      { format: 'ldif' },
      'version: 1\n\ndn: uid=1\nkind: top\nkind: person\nid: 1\nlogin: a\n da\nlevel: 3\nactive: TRUE\nmails: a@x\nmails:: YWRhQHg=\n\n# Bob\ndn: uid=2\nkind: person\nid: 2\nlogin: bob; "the"\n  one\n',
    ],
  ])('%s: objects come with types and values, whatever the page size', async (_name, file, text) => {
    const { context } = application(file, text);
    for (const pageSize of [1, 500]) expect((await importAll(context, { pageSize })).entries.map(flat)).toEqual([ada, bob]);
    // The file is gone with the import.
    expect(readdirSync(context.folder).filter((name) => name.startsWith('import-'))).toEqual([]);
  });

  it('a delta: what is new, changed and removed by the words of the connector, and the watermark goes around', async () => {
    const { context, folder } = application({ format: 'avp' }, '');
    writeFileSync(
      join(folder, 'delta.txt'),
      'op: new\nkind: person\nid: 1\nlogin: ada\n\nop: change\nkind: person\nid: 2\nlogin: bob\n\nop: remove\nkind: person\nid: 3\n\nop: odd\nkind: person\nid: 4\n',
    );
    const { entries, watermark } = await importDelta(context, '4');
    expect(entries.map((entry) => [entry.modification, entry.anchor['id'], entry.error?.code])).toEqual([
      ['add', '1', undefined],
      ['replace', '2', undefined],
      ['delete', '3', undefined],
      ['add', undefined, 'entry-failed'],
    ]);
    expect(entries[3]?.error?.message).toMatch(/line 15 of the file cannot be imported: its op is none of new, change, remove/);
    expect(watermark).toBe('5');
  });

  it('a delta of LDIF: values are added and removed, entries renamed and deleted', async () => {
    const { context, folder } = application({ format: 'ldif' }, '', true);
    writeFileSync(
      join(folder, 'delta.txt'),
      [
        'dn: uid=1,o=x\nchangetype: modify\nadd: mails\nmails: new@x\n-\ndelete: mails\nmails: old@x\n-\nreplace: level\nlevel: 4\n-\ndelete: login\n-\nadd: id\nid: 1\n-\n',
        'dn: uid=2,o=x\nchangetype: modrdn\nnewrdn: uid=two\ndeleteoldrdn: 1\nnewsuperior: ou=y,o=x\n',
        'dn: uid=3,o=x\nchangetype: delete\n',
      ].join('\n'),
    );
    const schema = await connector.schema(context, { signal });
    const session = await connector.openImport?.(context, { kind: 'delta', schema: { objectTypes: schema.objectTypes.slice(0, 1) }, pageSize: 100, signal });
    const page = await session?.readPage({ signal });
    await session?.close('normal');
    expect(page?.entries).toMatchObject([
      {
        modification: 'update',
        dn: 'uid=1,o=x',
        anchor: { id: '1' },
        changes: [
          { name: 'mails', modification: 'update', added: ['new@x'], removed: ['old@x'] },
          { name: 'level', modification: 'replace', values: [4n] },
          { name: 'login', modification: 'delete' },
        ],
      },
      { modification: 'update', dn: 'uid=2,o=x', newDn: 'uid=two,ou=y,o=x' },
      { modification: 'delete', dn: 'uid=3,o=x' },
    ]);
  });

  it('the encoding is that of the configuration; bytes that are none of it are an error with the line and the fix', async () => {
    const latin = Buffer.from('kind: person\nid: 1\nlogin: Zoë\n', 'latin1');
    expect((await importAll(application({ format: 'avp', encoding: 'iso-8859-1' }, latin).context)).entries.map(flat)).toEqual([{ id: '1', login: 'Zoë' }]);
    await expect(importAll(application({ format: 'avp' }, latin).context)).rejects.toThrow(/is not utf-8\. Set file\.encoding/);
  });

  it.each<[string, ParameterValue, string, RegExp]>([
    ['a line without a colon', { format: 'avp' }, 'kind: person\nid 1\n', /line 2 .* no name before a colon/],
    ['a quote that does not end', { format: 'delimited' }, 'id,kind\n1,"person\n', /line 2 .* in quotes does not end/],
    ['too many columns', { format: 'delimited' }, 'id,kind\n1,person,3\n', /line 2 .* 3 columns, and 2 have a name/],
    ['a URL', { format: 'ldif' }, 'dn: uid=1\nphoto:< file:///etc/passwd\n', /line 2 .* is a URL, which this host does not fetch/],
    ['no base64', { format: 'avp' }, 'kind: person\nid: 1\nphoto:: ###\n', /line 3 .*'photo' is not base64/],
    ['no record of LDIF', { format: 'ldif' }, 'id: 1\n', /line 1 .* begins with dn:/],
    ['columns that are missing', { format: 'fixed-width' }, '', /file\.columns: a fixed-width file needs its columns/],
    ['an encoding that is not there', { encoding: 'klingon' }, '', /file\.encoding: there is no encoding 'klingon'/],
  ])('says what is wrong and where: %s', async (_name, file, text, message) => {
    await expect(importAll(application(file, text).context)).rejects.toThrow(message);
  });

  it('a connector that writes no file is told so', async () => {
    const { context } = application({ format: 'avp' }, '');
    await expect(importDelta(context, '1')).rejects.toThrow(/WriteImportFile ended without an error and wrote no file/);
  });

  const add: EntryChange = {
    id: 'c1',
    modification: 'add',
    objectType: 'person',
    dn: 'uid=7,o=x',
    anchor: { id: '7' },
    changes: [
      { name: 'login', modification: 'add', values: ['zoë'] },
      { name: 'level', modification: 'add', values: [9007199254740993n] },
      { name: 'photo', modification: 'add', values: [new Uint8Array([0, 255])] },
      { name: 'mails', modification: 'add', values: ['a@x', 'b@x'] },
    ],
  };
  const update: EntryChange = {
    id: 'c2',
    modification: 'update',
    objectType: 'person',
    dn: 'uid=8,o=x',
    anchor: { id: '8' },
    changes: [
      { name: 'login', modification: 'replace', values: ['a "b", c'] },
      { name: 'level', modification: 'delete' },
    ],
  };
  const remove: EntryChange = { id: 'c3', modification: 'delete', objectType: 'person', dn: 'uid=9,o=x', anchor: { id: '9' }, changes: [] };

  it.each<[string, ParameterValue, string]>([
    [
      'attribute-value pairs',
      { format: 'avp' },
      'op: new\nkind: person\ndn: uid=7,o=x\nid: 7\nlogin: zoë\nlevel: 9007199254740993\nphoto:: AP8=\nmails: a@x\nmails: b@x\n\nop: change\nkind: person\ndn: uid=8,o=x\nid: 8\nlogin: a "b", c\nlevel:\n\nop: remove\nkind: person\ndn: uid=9,o=x\nid: 9\n\n',
    ],
    [
      'delimited',
      { format: 'delimited' },
      'op,kind,dn,id,login,level,active,photo,mails,members\r\nnew,person,"uid=7,o=x",7,zoë,9007199254740993,,AP8=,a@x;b@x,\r\nchange,person,"uid=8,o=x",8,"a ""b"", c",,,,,\r\nremove,person,"uid=9,o=x",9,,,,,,\r\n',
    ],
    [
      'fixed width',
      {
        format: 'fixed-width',
        columns: [
          { name: 'op', width: 8 },
          { name: 'id', width: 4 },
          { name: 'login', width: 10 },
          { name: 'level', width: 17 },
          { name: 'photo', width: 6 },
          { name: 'mails', width: 10 },
        ],
      },
      'new     7   zoë       9007199254740993 AP8=  a@x;b@x\r\nchange  8   a "b", c\r\nremove  9\r\n',
    ],
    [
      'LDIF',
      { format: 'ldif' },
      'version: 1\n\ndn: uid=7,o=x\nchangetype: add\nkind: person\nid: 7\nlogin:: em/Dqw==\nlevel: 9007199254740993\nphoto:: AP8=\nmails: a@x\nmails: b@x\n\ndn: uid=8,o=x\nchangetype: modify\nreplace: login\nlogin: a "b", c\n-\ndelete: level\n-\n\ndn: uid=9,o=x\nchangetype: delete\n\n',
    ],
  ])('%s: the export file has every change, and all of them count as applied', async (_name, file, text) => {
    const { context, received } = application(file, '', true);
    expect(await putAll(context, [add, update, remove])).toEqual([{ id: 'c1' }, { id: 'c2' }, { id: 'c3' }]);
    expect(received()).toBe(text);
    expect(readdirSync(context.folder).filter((name) => name.startsWith('export-'))).toEqual([]);
  });

  it('LDIF: values added and removed, and a rename with its changes', async () => {
    const { context, received } = application({ format: 'ldif' }, '', true);
    const changes: EntryChange['changes'] = [{ name: 'mails', modification: 'update', added: ['n@x'], removed: ['o@x'] }];
    await putAll(context, [
      { id: 'c', modification: 'update', objectType: 'person', anchor: { id: '1' }, dn: 'uid=1,o=x', newDn: 'uid=one,ou=y,o=x', changes },
    ]);
    expect(received()).toBe(
      'version: 1\n\ndn: uid=1,o=x\nchangetype: modrdn\nnewrdn: uid=one\ndeleteoldrdn: 1\nnewsuperior: ou=y,o=x\n\ndn: uid=one,ou=y,o=x\nchangetype: modify\ndelete: mails\nmails: o@x\n-\nadd: mails\nmails: n@x\n-\n\n',
    );
  });

  it('only LDIF can say deltas and renames: the other formats are exported whole values', async () => {
    const of = async (format: string): Promise<unknown> => {
      const { exportType, objectRename, import: imports, export: exports } = await connector.capabilities(application({ format }, '').context);
      return { exportType, objectRename, imports, exports };
    };
    expect(await of('ldif')).toMatchObject({ exportType: 'attribute-update', imports: true, exports: true });
    expect(await of('avp')).toEqual({ exportType: 'attribute-replace', objectRename: false, imports: true, exports: true });
  });

  it('a value that the format cannot hold fails its entry alone, and nothing of it is in the file', async () => {
    const { context, received } = application({ format: 'delimited' }, '');
    const results = await putAll(context, [{ ...add, changes: [{ name: 'mails', modification: 'add', values: ['a;b', 'c'] }] }, remove]);
    expect(results.map((result) => [result.id, result.error?.code])).toEqual([
      ['c1', 'entry-failed'],
      ['c3', undefined],
    ]);
    expect(results[0]?.error?.message).toMatch(/'mails' cannot be written to the export file: one of its values has ';' in it/);
    expect(received()).not.toContain('new,');
  });

  it('what ReadExportFile throws is the answer of a single change, and doubt of several (R13)', async () => {
    const { context, folder } = application({ format: 'avp' }, '');
    writeFileSync(join(folder, 'down.txt'), '');
    await expect(putAll(context, [add])).rejects.toMatchObject({ code: 'server-down' });
    await expect(putAll(context, [add, remove])).rejects.toMatchObject({ code: 'unknown' });
    expect(existsSync(join(folder, 'received.txt'))).toBe(true);
  });
});
