import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, runLandbridge } from '../fixtures/run-landbridge.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** The suite as a user runs it: from the command line, against our host and against a service that gets things wrong. */
let host: DirectoryHost;
let wrong: Server;

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

  it('says in a sentence what is missing: the token, the URL, the service', async () => {
    expect((await run('https://localhost:1/scim', '--json')).stderr).toContain('a token is needed');
    expect((await run('localhost', '--token', 'x')).stderr).toContain('is not a URL');
    expect((await run('https://localhost:1/scim', '--token', 'x')).stderr).toContain('cannot be checked');
  });
});
