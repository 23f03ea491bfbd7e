import type { lookup } from 'node:dns';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedCertificate } from '../credentials/certificate.ts';
import { createEgressClient, type EgressOptions } from './egress-client.ts';
import { isPublicAddress } from './public-address.ts';

/** A server that must not be reached, unless it is listed. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-egress-'));
let sink: Server;
let port: number;
let ca: string;
let met: string[] = [];
let answer = (_incoming: IncomingMessage, response: ServerResponse): void => void response.end('{}');

beforeAll(async () => {
  const certificate = await generatedCertificate(folder);
  ca = readFileSync(join(folder, 'ca.crt'), 'utf8');
  sink = createServer({ key: certificate.key, cert: certificate.certificate }, (incoming, response) => {
    met.push(incoming.url ?? '');
    answer(incoming, response);
  });
  await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
  ({ port } = sink.address() as AddressInfo);
});

afterAll(async () => {
  sink.closeAllConnections();
  await new Promise((resolve) => sink.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

async function send(url: string, more: Partial<EgressOptions> = {}) {
  met = [];
  const client = createEgressClient({ ca, milliseconds: 20_000, maximumBytes: 10_000, ...more });
  try {
    return await client.send(url);
  } finally {
    await client.close();
  }
}

/** A name server with its answers in turn; the last one stays. */
function resolver(...answers: readonly (readonly string[])[]): { readonly resolve: typeof lookup; readonly asked: () => number } {
  let asked = 0;
  const resolve = ((_name: string, _options: object, callback: (error: null, addresses: readonly { address: string; family: number }[]) => void) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as typeof lookup;
  return { resolve, asked: () => asked };
}

describe('SEC-41 what the host asks others over HTTP', () => {
  it.each([
    '127.0.0.1',
    '127.1',
    '0177.0.0.1',
    '0x7f.0.0.1',
    '2130706433',
    '0',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[fc00::1]',
    '[fe80::1]',
    '[ff02::1]',
    '[2001:db8::1]',
  ])('never goes to %s', async (host) => {
    await expect(send(`https://${host}:${port}/`)).rejects.toThrow('not an address of the public internet');
    expect(met).toEqual([]);
  });

  it('takes addresses of the public internet for what they are', () => {
    for (const address of ['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])
      expect(isPublicAddress(address), address).toBe(true);
    for (const address of ['2606:4700::1111%eth0', 'localhost', '', '1.2.3']) expect(isPublicAddress(address), address).toBe(false);
  });

  it.each(['http://example.com/', 'file:///etc/passwd', 'gopher://127.0.0.1:70/', 'ftp://example.com/', 'data:text/plain,x'])('never asks %s', async (url) => {
    await expect(send(url)).rejects.toThrow('only https:');
  });

  it('refuses a name of which one address is private, and one that changes its mind after it was checked', async () => {
    const mixed = resolver(['93.184.216.34', '127.0.0.1']);
    await expect(send(`https://mixed.example.com:${port}/`, { resolve: mixed.resolve })).rejects.toThrow('mixed.example.com is 127.0.0.1');
    // The name is resolved once for a connection, and the connection goes to what was checked: there is no second answer to fall for.
    const rebinding = resolver(['192.0.2.1'], ['127.0.0.1']);
    await expect(send(`https://rebinding.example.com:${port}/`, { resolve: rebinding.resolve })).rejects.toThrow('is 192.0.2.1');
    expect(rebinding.asked()).toBe(1);
    await expect(send(`https://rebinding.example.com:${port}/`, { resolve: rebinding.resolve })).rejects.toThrow('is 127.0.0.1');
    expect(met).toEqual([]);
    await expect(send(`https://localhost:${port}/`)).rejects.toThrow('localhost is');
    await expect(send('https://nobody.example.com/', { resolve: resolver([]).resolve })).rejects.toThrow('is nothing');
  });

  it('SEC-42 goes where the operator says, to that host and port alone', async () => {
    const allow = [`localhost:${port}`];
    expect(await send(`https://localhost:${port}/here`, { allow })).toMatchObject({ status: 200, text: '{}' });
    expect(met).toEqual(['/here']);
    await expect(send(`https://127.0.0.1:${port}/`, { allow })).rejects.toThrow('not an address');
    await expect(send(`https://localhost:${port + 1}/`, { allow })).rejects.toThrow('localhost is');
    await expect(send(`https://localhost/`, { allow })).rejects.toThrow('localhost is');
  });

  it('follows no redirect, and takes no answer without end or of any size', async () => {
    const allow = [`localhost:${port}`];
    answer = (_incoming, response) => void response.writeHead(302, { location: `https://localhost:${port}/metadata` }).end();
    expect(await send(`https://localhost:${port}/first`, { allow })).toMatchObject({ status: 302 });
    expect(met).toEqual(['/first']);
    answer = (_incoming, response) => void response.end('x'.repeat(20_000));
    await expect(send(`https://localhost:${port}/large`, { allow })).rejects.toThrow();
    answer = (_incoming, response) => void response.write('x');
    await expect(send(`https://localhost:${port}/endless`, { allow, milliseconds: 300 })).rejects.toThrow();
    answer = (_incoming, response) => void response.end('{}');
  });
});
