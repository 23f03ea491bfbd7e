import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Ended, runLandbridge } from '../../../../test/fixtures/run-landbridge.ts';

const fixtures = join(import.meta.dirname, '../../../../packages/package-store/fixtures');
const folder = mkdtempSync(join(tmpdir(), 'landbridge-package-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const landbridge = (...values: readonly string[]): Promise<Ended> => runLandbridge(values, { cwd: folder, direct: true });

describe('landbridge package', () => {
  it('R30 inspect says what a folder is, where it runs and why, and grades it for a program too', async () => {
    const ran = await landbridge('package', 'inspect', fixtures);
    expect(ran.stdout).toContain('Acme.Hr.Connector in hr.dll: IMAExtensible2CallExport');
    expect(ran.stdout).toContain('the Windows registry');
    expect(JSON.parse((await landbridge('package', 'inspect', fixtures, '--json')).stdout)).toMatchObject({
      kind: 'ecma2',
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });

  it('inspect names what is not there', async () => {
    expect(await landbridge('package', 'inspect', 'nothing')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('no file, folder or installed package "nothing"'),
    });
  });

  it('R28 sign writes a signature of the content with a key of the operator', async () => {
    const pem = execFileSync(process.execPath, [
      '-e',
      "process.stdout.write(require('node:crypto').generateKeyPairSync('ed25519',{publicKeyEncoding:{type:'spki',format:'pem'},privateKeyEncoding:{type:'pkcs8',format:'pem'}}).privateKey)",
    ]);
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(folder, 'key.pem'), pem);
    expect(await landbridge('package', 'sign', fixtures, '--key', 'key.pem', '--out', 'hr.sig')).toMatchObject({ status: 0 });
    expect(Buffer.from(readFileSync(join(folder, 'hr.sig'), 'utf8'), 'base64')).toHaveLength(64);
  });
});
