import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BULK, PATCH_OP } from '../../packages/scim-testkit/src/kit.ts';
import { type DirectoryHost, startDirectoryHost } from './directory-host.ts';

/** The numbers of ServiceProviderConfig at their edges, in every dialect: one less works, one more does not (S-003). */
type Json = Readonly<Record<string, unknown>>;
const PEOPLE = 1100;
let host: DirectoryHost;

beforeAll(async () => {
  host = await startDirectoryHost({ people: PEOPLE });
  await host.importAll();
});

afterAll(() => host.close());

const part = (body: Json, name: string): Json => (body[name] ?? {}) as Json;
const sizeOf = (body: Json): number => (body['Resources'] as readonly Json[]).length;

describe.each(['strict', 'lenient', 'entra', 'okta', 'aws-style', 'ping'])('S-003 what the dialect %s says of itself', (profile) => {
  it('S-108 S-118 is the size of its pages, and how they are turned', async () => {
    const client = await host.connect(profile);
    const { body: config } = await client.send('GET', '/ServiceProviderConfig');
    const { defaultPageSize, maxPageSize, defaultPaginationMethod } = part(config, 'pagination');
    const unasked = (await client.send('GET', '/Users')).body;
    expect(sizeOf(unasked)).toBe(defaultPageSize);
    expect('nextCursor' in unasked).toBe(defaultPaginationMethod === 'cursor');
    const most = (await client.send('GET', '/Users?startIndex=1&count=100000&attributes=id')).body;
    expect([sizeOf(most), most['totalResults'], part(config, 'filter')['maxResults']]).toEqual([maxPageSize, PEOPLE, maxPageSize]);
    expect(sizeOf((await client.send('GET', `/Users?cursor=&count=${String(maxPageSize)}&attributes=id`)).body)).toBe(maxPageSize);
  });

  it('S-192 S-235 is how much a bulk request holds, and whether passwords are taken', async () => {
    const client = await host.connect(profile);
    const { body: config } = await client.send('GET', '/ServiceProviderConfig');
    const { maxOperations, maxPayloadSize } = part(config, 'bulk') as Readonly<Record<string, number>>;
    const gone = { method: 'DELETE', path: '/Users/nobody' };
    const operations = async (count: number): Promise<number> =>
      (await client.send('POST', '/Bulk', { body: { schemas: [BULK], Operations: Array.from({ length: count }, () => gone) } })).status;
    expect([await operations(Number(maxOperations)), await operations(Number(maxOperations) + 1)]).toEqual([200, 413]);
    const text = JSON.stringify({ schemas: [BULK], Operations: [gone] });
    const bytes = async (size: number): Promise<number> => (await client.send('POST', '/Bulk', { raw: text.padEnd(size, ' ') })).status;
    expect([await bytes(Number(maxPayloadSize)), await bytes(Number(maxPayloadSize) + 1)]).toEqual([200, 413]);
    const [user] = (await client.send('GET', '/Users?count=1')).body['Resources'] as readonly Json[];
    const set = { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'password', value: 'x' }] };
    const { status } = await client.send('PATCH', `/Users/${String(user?.['id'])}`, { body: set });
    expect(part(config, 'changePassword')['supported']).toBe(status < 300);
  });
});
