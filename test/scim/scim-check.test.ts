import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Agent, request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, runLandbridge } from '../fixtures/run-landbridge.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** The suite as a user runs it: from the command line, against our host and against a service that gets things wrong. */
let host: DirectoryHost;
let wrong: Server;

type Json = Readonly<Record<string, unknown>>;

/** Alters each user of an answer: it, or those that it lists. */
function alterUsers(answer: Json, alter: (user: Json) => Json): Json {
  if ('userName' in answer) return alter(answer);
  return Array.isArray(answer['Resources']) ? { ...answer, Resources: (answer['Resources'] as readonly Json[]).map((one) => alterUsers(one, alter)) } : answer;
}

/** Our host with a fault: a service between it and the suite alters what it answers. */
async function plant(alter: (answer: Json) => Json): Promise<{ readonly url: string; close(): void }> {
  const dispatcher = new Agent({ connect: { ca: host.ca } });
  const server = createServer(async (incoming, response) => {
    const { host: _host, connection: _connection, 'transfer-encoding': _encoding, ...headers } = incoming.headers;
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const answer = await request(`${host.server.url}/scim/dir${incoming.url ?? ''}`, {
      method: incoming.method as 'GET',
      headers,
      dispatcher,
      ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
    });
    const text = await answer.body.text();
    const { 'content-length': _length, ...others } = answer.headers;
    response.writeHead(answer.statusCode, others as Record<string, string>);
    response.end(text === '' ? '' : JSON.stringify(alter(JSON.parse(text) as Json)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.close();
      void dispatcher.close();
    },
  };
}

const run = (...values: readonly string[]): Promise<Ended> => runLandbridge(['scim', 'check', ...values]);

beforeAll(async () => {
  host = await startDirectoryHost();
  // A service that answers every request as a list without anything, and never says no.
  wrong = createServer((_, response) => {
    response.setHeader('content-type', 'application/scim+json');
    response.end(JSON.stringify({ schemas: [], Resources: [], totalResults: '0', patch: { supported: true } }));
  });
  await new Promise<void>((resolve) => wrong.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  wrong.close();
  await host.close();
});

describe('landbridge scim check', () => {
  it('passes against the host, prints what it checked, and writes a report', async () => {
    const report = join(host.folder, 'report.json');
    const token = await host.token({ client: 'check' });
    const ended = await run(`${host.server.url}/scim/dir`, '--ca', host.server.caFile ?? '', '--token', token, '--only', 'S-18', '--report', report);
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    expect(ended.stdout).toContain('✓ S-188');
    const written = JSON.parse(readFileSync(report, 'utf8')) as { readonly failed: number; readonly passed: number };
    expect(written.failed).toBe(0);
    expect(written.passed).toBeGreaterThan(5);
    expect(ended.stdout).not.toContain(token);
  });

  it('the host passes every check of the strict dialect, and what is skipped says why', async () => {
    const token = await host.token({ client: 'strict', profile: 'strict' });
    const ended = await run(`${host.server.url}/scim/dir`, '--ca', host.server.caFile ?? '', '--token', token, '--profile', 'strict', '--json');
    const report = JSON.parse(ended.stdout) as {
      readonly passed: number;
      readonly failed: number;
      readonly failedRequired: number;
      readonly results: readonly { readonly title: string; readonly result: string; readonly reason?: string }[];
    };
    expect(report.results.filter((one) => one.result === 'failed')).toEqual([]);
    expect([ended.status, report.failed, report.failedRequired]).toEqual([0, 0, 0]);
    expect(report.passed).toBeGreaterThan(100);
    for (const one of report.results.filter((other) => other.result === 'skipped')) expect(one.reason, one.title).toMatch(/./);
    expect(ended.stdout).not.toContain(token);
  }, 240_000);

  it('fails against a service that answers everything with an empty list, and says what was wrong', async () => {
    const { port } = wrong.address() as AddressInfo;
    const ended = await run(`http://127.0.0.1:${port}`, '--token', 'x', '--json');
    expect(ended.status).toBe(1);
    const report = JSON.parse(ended.stdout) as {
      readonly failedRequired: number;
      readonly passed: number;
      readonly results: readonly { readonly reason?: string }[];
    };
    expect(report.failedRequired).toBeGreaterThan(25);
    expect(report.passed).toBeLessThan(12);
    expect(JSON.stringify(report.results)).toContain('the status is 200 instead of 404');
  });

  it.each([
    ['a password that is shown and in no schema', 'S-049 S-234', (answer: Json): Json => alterUsers(answer, (user) => ({ ...user, password: 'x' }))],
    [
      'a password that is shown where a list shows users',
      'S-049 S-234',
      (answer: Json): Json => ('Resources' in answer ? alterUsers(answer, (user) => ({ ...user, PassWord: 'x' })) : answer),
    ],
    [
      'the size of a page as the total',
      'S-110 the total',
      (answer: Json): Json => ('totalResults' in answer ? { ...answer, totalResults: answer['itemsPerPage'] } : answer),
    ],
    ['an attribute of which the schema does not tell', 'S-003 S-049', (answer: Json): Json => alterUsers(answer, (user) => ({ ...user, shoeSize: 44 }))],
  ])('finds a planted fault: %s', async (fault, title, alter) => {
    const planted = await plant(alter);
    try {
      const ended = await run(planted.url, '--token', await host.token({ client: fault.replaceAll(' ', '-') }), '--json', '--only', title.split(' ')[0] ?? '');
      const report = JSON.parse(ended.stdout) as { readonly results: readonly { readonly title: string; readonly result: string }[] };
      expect(report.results.find((one) => one.title.startsWith(title))).toMatchObject({ result: 'failed' });
    } finally {
      planted.close();
    }
  });

  it('says in a sentence what is missing: the token, the URL, the service', async () => {
    expect((await run('https://localhost:1/scim', '--json')).stderr).toContain('a token is needed');
    expect((await run('localhost', '--token', 'x')).stderr).toContain('is not a URL');
    expect((await run('https://localhost:1/scim', '--token', 'x')).stderr).toContain('cannot be checked');
  });
});
