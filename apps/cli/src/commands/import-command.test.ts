import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseConfiguration, toConnectorConfiguration } from '@landbridge/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BRIDGE, buildConnector, sourcesOf } from '../../../../connectors/ecma2/src/build-worker.ts';
import { type Ended, runLandbridge } from '../../../../test/fixtures/run-landbridge.ts';
import { monoPrograms } from '../../../../tools/backends.ts';

const fixtures = join(import.meta.dirname, '../../../../packages/mim-import/fixtures');
const packages = join(import.meta.dirname, '../../../../packages/package-store/fixtures');
const folder = mkdtempSync(join(tmpdir(), 'landbridge-import-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const landbridge = (...values: readonly string[]): Promise<Ended> => runLandbridge(values, { cwd: folder, direct: true });

describe('landbridge import', () => {
  beforeAll(() => {
    mkdirSync(join(folder, 'hr'));
    cpSync(join(packages, 'hr.dll'), join(folder, 'hr/Acme.HrCloud.Ecma2.dll'));
    writeFileSync(join(folder, 'service.config'), '<configuration/>');
    mkdirSync(join(folder, 'madata'));
    writeFileSync(join(folder, 'madata/state.txt'), 'page 7');
  });

  it('writes a configuration that validates, the rules beside it, and a report that names what to supply and decide', async () => {
    const ran = await landbridge(
      'import',
      join(fixtures, 'exported-agent.xml'),
      '--package',
      'hr',
      '--host-config',
      'service.config',
      '--madata',
      'madata',
      '--out',
      'one.yaml',
    );
    expect(ran).toMatchObject({ status: 0, stderr: '' });
    expect(ran.stdout).toContain('HR_CLOUD_PASSWORD');
    expect(ran.stdout).toContain('Acme.Http 2.3.4.5 is missing');
    expect(ran.stdout).toMatch(/Without counterpart[\s\S]*HrRules\.dll/);
    const { document, problems } = parseConfiguration(readFileSync(join(folder, 'one.yaml'), 'utf8'));
    expect(problems).toEqual([]);
    expect((await landbridge('validate', 'one.yaml')).stdout).toContain('is valid');
    expect(JSON.parse(readFileSync(join(folder, 'one.rules.json'), 'utf8'))).toMatchObject({ version: 1, connectors: [{ name: 'HR-cloud' }] });
    process.env['HR_CLOUD_PASSWORD'] = 'p';
    process.env['HR_CLOUD_API_KEY'] = 'k';
    process.env['HR_CLOUD_PARTITION_SECRET'] = 's';
    const configuration = toConnectorConfiguration('HR-cloud', document?.connectors['HR-cloud'] ?? {}, folder);
    expect(configuration).toMatchObject({
      mode: 'observe',
      firstFiles: join(folder, 'madata'),
      parameters: {
        directory: join(folder, 'hr'),
        hostConfiguration: join(folder, 'service.config'),
        connectivity: { Password: 'p', 'API Key': 'k' },
        // What looked like a reference in a script is what it was.
        global: { 'Password  Script': expect.stringContaining('${env:USERNAME} and $${file:x}') },
      },
      partitions: ['DC=north,DC=example'],
    });
  });

  it('overwrites nothing unless told to', async () => {
    writeFileSync(join(folder, 'mine.yaml'), 'mine');
    const refused = await landbridge('import', join(fixtures, 'exported-agent.xml'), '--out', 'mine.yaml');
    expect(refused.status).toBe(4);
    expect(refused.stderr).toContain('--force');
    expect(readFileSync(join(folder, 'mine.yaml'), 'utf8')).toBe('mine');
    expect((await landbridge('import', join(fixtures, 'exported-agent.xml'), '--out', 'mine.yaml', '--force')).status).toBe(0);
  });

  it('reads the folder of a server export: agents, import flows of MV.XML, and says what it refuses', async () => {
    const server = join(folder, 'server');
    mkdirSync(server);
    for (const name of ['MA-{6D0C2B7E-1111-4222-8333-0123456789AB}.XML', 'MV.XML']) cpSync(join(fixtures, name), join(server, name));
    cpSync(join(fixtures, 'delimited-agent.xml'), join(server, 'MA-{DDDDDDDD-1111-4222-8333-0123456789AB}.XML'));
    const ran = await landbridge('import', 'server', '--out', 'server.yaml', '--json');
    const printed = JSON.parse(ran.stdout) as {
      readonly refused: readonly { readonly reason: string }[];
      readonly report: { readonly connectors: readonly unknown[] };
    };
    expect(printed.report.connectors).toHaveLength(1);
    expect(printed.refused.map((one) => one.reason).join()).toContain('Payroll file');
    expect(JSON.parse(readFileSync(join(folder, 'server.rules.json'), 'utf8'))).toMatchObject({
      connectors: [{ rules: { importFlows: [{}, {}] } }],
      metaverse: { name: 'mv-data' },
    });
  });

  it('refuses what is not ECMA2 with the reason, and writes nothing', async () => {
    const ran = await landbridge('import', join(fixtures, 'delimited-agent.xml'), '--out', 'no.yaml');
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/Delimited.*not Extensible2/);
    expect(existsSync(join(folder, 'no.yaml'))).toBe(false);
  });

  it('names the file that cannot be read, and goes on with the others of a folder', async () => {
    writeFileSync(join(folder, 'cut.xml'), readFileSync(join(fixtures, 'exported-agent.xml'), 'utf8').slice(0, 3000));
    const ran = await landbridge('import', 'cut.xml', '--out', 'cut.yaml');
    expect(ran).toMatchObject({ status: 4, stderr: expect.stringMatching(/cut\.xml: the file is not well-formed XML/) });
    const damaged = join(folder, 'damaged');
    mkdirSync(damaged);
    for (const name of ['MA-{6D0C2B7E-1111-4222-8333-0123456789AB}.XML', 'MV.XML']) cpSync(join(fixtures, name), join(damaged, name));
    writeFileSync(join(damaged, 'MA-{00000000-1111-4222-8333-0123456789AB}.XML'), '');
    const others = await landbridge('import', 'damaged', '--out', 'damaged.yaml', '--json');
    expect(others.status).toBe(0);
    expect(JSON.parse(others.stdout)).toMatchObject({
      refused: [{ file: expect.stringContaining('00000000'), reason: expect.stringContaining('root element') }],
    });
    // The import flows of the others are not lost with it.
    expect(JSON.parse(readFileSync(join(folder, 'damaged.rules.json'), 'utf8'))).toMatchObject({ connectors: [{ rules: { importFlows: [{}, {}] } }] });
  });

  it('an export without schema becomes a configuration to finish, and its whole report is told', async () => {
    const agent = readFileSync(join(fixtures, 'exported-agent.xml'), 'utf8');
    writeFileSync(join(folder, 'bare.xml'), agent.replace(/<schema>[\s\S]*<\/schema>/, '<schema></schema>'));
    const ran = await landbridge('import', 'bare.xml', '--out', 'bare.yaml');
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(/HR_CLOUD_PASSWORD[\s\S]*the file has no schema[\s\S]*objectTypes/);
    expect(ran.stderr).toContain('needs work before it is valid');
    expect(existsSync(join(folder, 'bare.rules.json'))).toBe(true);
  });

  it('says which DLL the package lacks, and which it has', async () => {
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other/Other.dll'), 'MZ');
    expect((await landbridge('import', join(fixtures, 'host-configuration.xml'), '--package', 'other', '--out', 'other.yaml')).stdout).toMatch(
      /not in the package folder[\s\S]*Acme\.HrCloud\.Ecma2\.dll/,
    );
    const wrong = await landbridge('import', join(fixtures, 'host-configuration.xml'), '--package', 'other', '--dll', 'Nope', '--out', 'nope.yaml');
    expect(wrong.stderr).toContain('has no Nope.dll; it has Other.dll');
  });

  it.skipIf(monoPrograms() === undefined)('compares the file with what the package itself asks for', { timeout: 120_000 }, async () => {
    const directory = dirname(await buildConnector('Landbridge.Sample.Directory', sourcesOf('sample')));
    const agent = readFileSync(join(BRIDGE, 'sample/exported-agent.xml'), 'utf8').replace('@FOLDER@', folder);
    // A parameter that an older version of the package had.
    writeFileSync(
      join(folder, 'sample.xml'),
      agent.replace('<parameter-values>', '<parameter-values><parameter name="Retries" type="string" use="connectivity">3</parameter>'),
    );
    const ran = await landbridge('import', 'sample.xml', '--package', directory, '--out', 'sample.yaml', '--json');
    expect(ran.status).toBe(0);
    const { matches } = JSON.parse(ran.stdout) as { readonly matches: readonly { readonly matched: number; readonly differences: readonly string[] }[] };
    expect(matches[0]?.matched).toBeGreaterThan(5);
    expect(matches[0]?.differences).toContain('the package does not ask for "Retries" (connectivity)');
    expect(matches[0]?.differences.join()).toContain('its schema was not compared: it may need the secrets');
  });

  it('explains itself', async () => {
    const { stdout: out } = await landbridge('import', '--help');
    for (const option of ['--package', '--dll', '--host-config', '--madata', '--out', '--json']) expect(out).toContain(option);
  });
});
