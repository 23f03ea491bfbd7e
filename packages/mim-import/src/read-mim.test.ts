import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { convertMim, type ImportedConnector, MimImportError, readMim } from './index.ts';

const fixtures = join(import.meta.dirname, '../fixtures');
const fixture = (name: string): Buffer => readFileSync(join(fixtures, name));
const SERVER_EXPORT = 'MA-{6D0C2B7E-1111-4222-8333-0123456789AB}.XML';
const location = { directory: './packages/hr' };

function only(name: string, metaverse?: string): ImportedConnector {
  const { connectors } = readMim(fixture(name), metaverse === undefined ? undefined : fixture(metaverse));
  expect(connectors).toHaveLength(1);
  return connectors[0] as ImportedConnector;
}

describe('what an exported agent says', () => {
  const agent = only('exported-agent.xml');

  it('identity and library', () => {
    expect(agent).toMatchObject({
      name: 'HR cloud',
      id: '6d0c2b7e-1111-4222-8333-0123456789ab',
      packageName: 'HRCloud (Acme)',
      company: 'Acme',
      description: 'People & teams',
      library: { file: 'Acme.HrCloud.Ecma2.dll', version: '2.1.0.4', importPageSize: { standard: 100, max: 5000 }, exportPageSize: { standard: 50, max: 500 } },
    });
  });

  it('object types with composite anchors, types, directions and selection', () => {
    const [person, team, costCentre] = agent.objectTypes;
    expect(person).toMatchObject({ name: 'person', selected: true, anchor: ['tenant', 'employeeId'] });
    expect(team).toMatchObject({ name: 'team', selected: true, anchor: ['teamId'], dnAttributes: ['teamId'] });
    expect(costCentre).toMatchObject({ name: 'costCentre', selected: false, anchor: ['teamId'], dnAttributes: ['teamId'] });
    const byName = new Map(person?.attributes.map((attribute) => [attribute.name, attribute]));
    expect(byName.get('employeeId')).toMatchObject({ type: 'integer', multiValued: false, required: true, direction: 'import-only', selected: true });
    expect(byName.get('manager')).toMatchObject({ type: 'reference', selected: true });
    expect(byName.get('notes')).toMatchObject({ multiValued: true, selected: false });
    expect(byName.get('export_password')).toMatchObject({ secret: true, selected: false, direction: 'export-only' });
  });

  it('capabilities by the mask, the bits of which are unsigned', () => {
    expect(agent.capabilities).toMatchObject({
      mask: 0x8006_9a71,
      import: true,
      export: true,
      deltaImport: true,
      password: true,
      objectRename: true,
      partitions: true,
      hierarchy: true,
      distinguishedNameStyle: 'ldap',
      objectConfirmation: 'normal',
      exportType: 'attribute-update',
    });
  });

  it('parameters joined with their definitions, and a secret without its value', () => {
    const by = (name: string) => agent.parameters.find((parameter) => parameter.name === name);
    expect(by('Server')).toMatchObject({ use: 'connectivity', value: 'https://hr.example.invalid/api', pattern: '^https://.+$' });
    expect(by('Password')).toMatchObject({ kind: 'secret', value: undefined });
    expect(by('Logon type')).toMatchObject({ choices: ['None', 'Network', 'Service'], value: 'Network' });
    expect(by('Date format')).toMatchObject({ use: 'schema', page: 2, value: 'dd.MM.yyyy', defaultValue: 'yyyy-MM-dd' });
    expect(by('Password  Script')?.value).toBe(
      'param($user)\n# the shell\'s own variables look like references: ${env:USERNAME} and $${file:x}\nif ($user -lt 3) { "a & b" }   \n',
    );
  });

  it('partitions, containers and steps, with identifiers compared without regard to case', () => {
    expect(agent.partitions.map((partition) => [partition.name, partition.selected])).toEqual([
      ['DC=north,DC=example', true],
      ['DC=south,DC=example', false],
    ]);
    expect(agent.partitions[0]).toMatchObject({
      included: ['OU=Staff,DC=north,DC=example', 'OU=Teams,DC=north,DC=example'],
      excluded: ['DC=north,DC=example'],
    });
    expect(agent.runProfiles[0]?.steps[0]).toMatchObject({ kind: 'full-import', partition: 'DC=north,DC=example', pageSize: 5000, objectThreshold: 5000 });
    expect(agent.runProfiles[1]?.steps.map((step) => step.label)).toEqual(['delta import and delta synchronisation', 'delta synchronisation']);
  });

  it('rules in a form that a provisioning service can use', () => {
    expect(agent.rules.filters[0]?.alternatives[0]).toEqual([
      { attribute: 'accountName', operator: 'equality', values: ['test'] },
      { attribute: 'employeeId', operator: 'equality', values: ['radix 10:0x1f4'] },
    ]);
    expect(agent.rules.joins).toEqual([
      {
        objectType: 'person',
        metaverseType: 'person',
        syncRule: '',
        resolution: 'pickOne',
        mappings: [{ metaverseAttribute: 'employeeID', mapping: { kind: 'direct', sources: [{ attribute: 'employeeId', intrinsic: false }] } }],
      },
    ]);
    expect(agent.rules.exportFlows.map((flow) => flow.mapping.kind)).toEqual(['direct', 'scripted', 'constant', 'sync-rule']);
    expect(agent.rules.importFlows).toEqual([
      {
        metaverseType: 'person',
        metaverseAttribute: 'mail',
        objectType: 'person',
        precedence: 2,
        mapping: { kind: 'direct', sources: [{ attribute: 'dn', intrinsic: true }] },
      },
      { metaverseType: 'person', metaverseAttribute: 'domain', objectType: 'person', precedence: 1, mapping: { kind: 'dn-part', part: 2 } },
    ]);
    expect(agent.rules).toMatchObject({ rulesExtension: 'HrRules.dll', deprovisioning: { kind: 'declared', action: 'delete-object' }, recallAttributes: true });
  });
});

describe('the other shapes', () => {
  it('an agent of a server export has its import flows in MV.XML', () => {
    expect(only(SERVER_EXPORT).rules.importFlows).toEqual([]);
    expect(only(SERVER_EXPORT, 'MV.XML').rules.importFlows).toHaveLength(2);
    const withFlows = convertMim(readMim(fixture(SERVER_EXPORT), fixture('MV.XML')), location);
    expect(JSON.stringify(withFlows.rules.metaverse)).toContain('MvRules.dll');
  });

  it('a metaverse alone holds no connector, and its content is kept', () => {
    const conversion = convertMim(readMim(fixture('MV.XML')), location);
    expect(conversion.yaml).toBeUndefined();
    expect(JSON.stringify(conversion.rules.metaverse)).toContain('mv-deletion-rule');
    expect(conversion.report.notes.map((note) => note.subject)).toContain('metaverse');
  });

  it('a bare agent of Entra Connect: another order, lower-case identifiers, no mask', () => {
    const bare = only('bare-agent.xml');
    expect(bare.capabilities).toMatchObject({ mask: undefined, distinguishedNameStyle: 'ldap', exportType: 'attribute-update' });
    expect(bare.parameters).toEqual(only('exported-agent.xml').parameters);
    expect(bare.objectTypes.map((type) => type.anchor)).toEqual([['tenant', 'employeeId'], ['teamId'], ['teamId']]);
  });

  it('a packaged template has a schema and definitions, and no values', () => {
    const reading = readMim(fixture('packaged-agent.xml'));
    expect(reading.shape).toBe('packaged-agent');
    expect(reading.connectors[0]).toMatchObject({ name: 'HR Cloud connector (Acme)', partitions: [], runProfiles: [] });
    expect(reading.connectors[0]?.objectTypes.every((type) => type.selected)).toBe(true);
    expect(reading.connectors[0]?.parameters.every((parameter) => parameter.value === undefined && parameter.unset)).toBe(true);
  });

  it('the configuration of an Entra host: several connectors, their schedules and flows', () => {
    const reading = readMim(fixture('host-configuration.xml'));
    expect(reading.connectors.map((connector) => connector.name)).toEqual(['HR', 'HR (test)']);
    expect(reading.connectors[0]?.objectTypes[0]).toMatchObject({
      resourceType: 'User',
      anchor: ['ObjectId'],
      dnAutogenerated: true,
      queryable: ['ObjectId', 'Badge'],
    });
    const { yaml, report } = convertMim(reading, location);
    expect(parse(yaml ?? '')).toMatchObject({
      connectors: {
        HR: {
          package: 'ecma2',
          mode: 'observe',
          secretToken: '${env:HR_SECRET_TOKEN}',
          autosync: { full: '120m' },
          parameters: { dll: 'Acme.HrCloud.Ecma2.dll', global: { 'Import script': '# été\n$x = 1', Impersonate: true } },
          objectTypes: { Person: { resourceType: 'User', dn: 'CN={ObjectId},OBJECT=USER', queryable: ['Badge'] } },
          deprovisioning: { disable: 'none', delete: 'delete' },
        },
        'HR-test': { deprovisioning: { disable: { set: { Disabled: false } } } },
      },
    });
    expect(report.secrets.map((secret) => secret.name)).toEqual(['HR_PASSWORD', 'HR_SECRET_TOKEN', 'HR_TEST_PASSWORD', 'HR_TEST_SECRET_TOKEN']);
    expect(report.notes.map((note) => note.subject)).toContain('attribute Mail');
  });
});

describe('connector filters', () => {
  it('declared ones are left out of the connector; what is code or cannot be said is reported', () => {
    const convertFilter = (conditions: string, type = 'declared') => {
      const text = fixture('exported-agent.xml').toString('utf8');
      const set = `<stay-disconnector><filter-set cd-object-type="person" type="${type}"><filter-alternative>${conditions}</filter-alternative></filter-set></stay-disconnector>`;
      const { yaml, report } = convertMim(readMim(Buffer.from(text.replace(/<stay-disconnector>.*<\/stay-disconnector>/s, set))), location);
      const { connectors } = parse(yaml ?? '') as {
        readonly connectors: Readonly<Record<string, { readonly objectTypes: Readonly<Record<string, { readonly leaveOut?: unknown }>> }>>;
      };
      return { leaveOut: Object.values(connectors)[0]?.objectTypes['person']?.leaveOut, notes: report.notes.map((note) => note.subject) };
    };
    const condition = (attribute: string, operator: string, value = '') => `<condition cd-attribute="${attribute}" operator="${operator}">${value}</condition>`;
    const all = convertFilter(
      condition('mail', 'equality', '<value>a@x</value>') +
        condition('employeeId', 'inequality', '<value ui-radix="10">0x1f4</value>') +
        condition('givenName', 'present') +
        condition('sn', 'not-present'),
    );
    expect(all.leaveOut).toEqual([{ mail: 'a@x', employeeId: { not: '500' }, givenName: { present: true }, sn: { present: false } }]);
    expect(all.notes).not.toContain('connector filters');
    for (const other of [convertFilter('', 'scripted'), convertFilter(condition('mail', 'substring-start', '<value>a</value>'))])
      expect([other.leaveOut, other.notes.includes('connector filters')]).toEqual([undefined, true]);
    expect(convertFilter(condition('unknown', 'present'))).toMatchObject({ leaveOut: undefined, notes: expect.arrayContaining(['object type person']) });
  });
});

describe('nothing is dropped in silence, and no secret leaves', () => {
  it.each([
    ['0', undefined],
    ['1', { notSecure: 'allow' }],
  ])('R21 whether passwords went over connections that are not secure (%s) is kept', (allowed, passwords) => {
    const text = fixture('exported-agent.xml').toString('utf8').replace('<allow-low-security>0<', `<allow-low-security>${allowed}<`);
    const { yaml } = convertMim(readMim(Buffer.from(text)), location);
    const [connector] = Object.values((parse(yaml ?? '') as { readonly connectors: Readonly<Record<string, { readonly passwords?: unknown }>> }).connectors);
    expect(connector?.passwords).toEqual(passwords);
  });

  it.each(['exported-agent.xml', SERVER_EXPORT, 'MV.XML', 'bare-agent.xml', 'packaged-agent.xml', 'host-configuration.xml'])(
    '%s leaves nothing over',
    (name) => {
      expect(readMim(fixture(name)).leftOver).toEqual([]);
    },
  );

  it.each(['exported-agent.xml', 'host-configuration.xml', 'MV.XML'])('%s: no password, key or cipher text in configuration, report or rules', (name) => {
    const text = JSON.stringify(convertMim(readMim(fixture(name)), location));
    for (const secret of ['Sommer2024!', 'k-123456', 'AQAAANCMnd8=', 'AQAAprotected=']) expect(text).not.toContain(secret);
    expect(text).not.toContain('MgAwADIANAAAAA==');
  });

  it('the conversion reads back as what was there: literal text that looks like a reference is escaped', () => {
    const document = parse(convertMim(readMim(fixture('exported-agent.xml')), location).yaml ?? '') as {
      readonly connectors: Readonly<
        Record<string, { readonly parameters: { readonly global: Readonly<Record<string, string>> }; readonly publicParameters: readonly string[] }>
      >;
    };
    const connector = document.connectors['HR-cloud'];
    expect(connector?.parameters.global['Password  Script']).toContain('$${env:USERNAME} and $$$${file:x}');
    expect(connector?.publicParameters).toEqual(['Password  Script']);
  });
});

describe('secrets in the store of the host', () => {
  it('are references to it, by names that it takes', () => {
    const { yaml, report } = convertMim(readMim(fixture('host-configuration.xml')), { ...location, secretsIn: 'secret' });
    expect(yaml).toContain('${secret:HR_PASSWORD}');
    expect(yaml).toContain('${secret:HR_SECRET_TOKEN}');
    expect(yaml).not.toContain('${env:');
    expect(report.secrets.every((secret) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(secret.name))).toBe(true);
  });
});

describe('what is refused', () => {
  it('an agent of another kind, by name and kind', () => {
    expect(() => readMim(fixture('delimited-agent.xml'))).toThrow(/"Payroll file" is of the kind "Delimited" \(a delimited text file\), not Extensible2/);
  });

  it.each([
    ['SEC-48 a document type declaration', '<!DOCTYPE x [<!ENTITY a "aaaa">]><export-ma>&a;</export-ma>', 'hostile'],
    ['SEC-49 nesting without end', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`, 'hostile'],
    ['SEC-49 attributes without end', `<a ${Array.from({ length: 300 }, (_, index) => `b${index}=""`).join(' ')}/>`, 'hostile'],
    ['SEC-48 an entity that is not one of XML', '<export-ma>&file;</export-ma>', 'not-xml'],
    ['an unbalanced file', '<export-ma><ma-data></export-ma>', 'not-xml'],
    ['nothing', '', 'not-xml'],
    ['another XML file', '<project/>', 'unknown-shape'],
    ['an export without an agent', '<export-ma/>', 'unknown-shape'],
    ['an application configuration', '<Configuration><Connectors/></Configuration>', 'unknown-shape'],
  ])('%s', (_, text, code) => {
    let thrown: unknown;
    try {
      readMim(Buffer.from(text));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(MimImportError);
    expect((thrown as MimImportError).code).toBe(code);
  });

  it('a binary file', () => {
    expect(() => readMim(Buffer.from([0x4d, 0x5a, 0x90, 0, 3, 0]))).toThrow(/binary/);
  });
});

describe('encodings', () => {
  const text = fixture('exported-agent.xml').toString('utf8').replace('HR cloud', 'Zürich');
  const utf16be = (): Buffer => Buffer.from(`\u{feff}${text}`, 'utf16le').swap16();

  it.each([
    ['UTF-8 with a mark', Buffer.from(`\u{feff}${text}`)],
    ['UTF-8 without one', Buffer.from(text)],
    ['UTF-16, little end first', Buffer.from(`\u{feff}${text}`, 'utf16le')],
    ['UTF-16, big end first', utf16be()],
    ['windows-1252', Buffer.from(text, 'latin1')],
    ['a declaration that contradicts the mark', Buffer.from(`\u{feff}<?xml version="1.0" encoding="utf-16"?>${text}`)],
  ])('%s', (_, bytes) => {
    expect(readMim(bytes).connectors[0]?.name).toBe('Zürich');
  });

  it('a guessed encoding is said', () => {
    expect(readMim(Buffer.from(text, 'latin1')).notes.map((note) => note.subject)).toContain('encoding');
  });

  it('a file that was indented again means the same', () => {
    const indented = text.replaceAll('></', '>\n      </');
    expect(readMim(Buffer.from(indented)).connectors).toEqual(readMim(Buffer.from(text)).connectors);
  });
});

/** Third-party exports, where they lie beside the project. */
const samples = join(import.meta.dirname, '../../../../shared/samples/mim');
describe.runIf(existsSync(samples))('real exports', () => {
  it.each(['lync-export-ma.xml', 'psma-export-ma.xml', 'packaged-template.xml', 'ecma2host-csv-configuration.xml'])('%s leaves nothing over', (name) => {
    const reading = readMim(readFileSync(join(samples, name)));
    expect(reading.leftOver).toEqual([]);
    expect(convertMim(reading, location).yaml).toContain('package: ecma2');
  });

  it('a Delimited agent is refused', () => {
    expect(() => readMim(readFileSync(join(samples, 'delimited-not-ecma2.xml')))).toThrow(/not Extensible2/);
  });
});

describe('nothing is dropped in silence', () => {
  const told = (change: (text: string) => string): readonly string[] =>
    convertMim(readMim(Buffer.from(change(fixture('exported-agent.xml').toString('utf8')))), location).report.notes.map(
      (note) => `${note.subject}: ${note.message}`,
    );

  it('partitions that were not selected', () => {
    const left = 'partitions: not selected, and left out with all that the file says of them: DC=south,DC=example';
    expect(told((text) => text)).toContain(left);
    expect(told((text) => text.replaceAll('<selected>0</selected>', '<selected>1</selected>'))).not.toContain(left);
  });

  it('thresholds of steps that have no counterpart themselves', () => {
    const steps = '<step-type type="export"/><threshold><batch-size>10</batch-size><object>70</object><delete>7</delete></threshold>';
    const changed = told((text) => text.replace(/<step-type type=["']export["'][\s\S]*?<\/threshold>/, steps));
    expect(changed).toContainEqual(expect.stringContaining('stopped after 70 objects'));
    expect(changed).toContainEqual(expect.stringContaining('stopped after 7 deletions'));
  });
});
