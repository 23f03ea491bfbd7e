import { createHmac } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { Agent } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSampleApplication, sampleConfiguration } from '../../apps/cli/src/tour/sample-application.ts';
import { generatedCertificate } from '../../apps/server/src/credentials/certificate.ts';
import { createTestAuthority } from '../fixtures/certificates.ts';
import { type Answer, type HttpsHost, type Json, type Method, startHttpsHost } from '../fixtures/https-host.ts';

/** Who may speak to the host, and how: over HTTPS, with a real issuer of tokens and real certificates. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-credentials-'));
const data = join(folder, 'data');
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const AUDIENCE = '8adf8e6e-67b2-4cf2-a259-e3dc5476c621';
let host: HttpsHost;
let issuer: Server;
let issuerUrl: string;
let keys: { readonly privateKey: CryptoKey; readonly publicKey: CryptoKey };
let keyRequests = 0;

const ask = (method: Method, path: string, headers: Readonly<Record<string, string>>, body?: string, via?: Agent): Promise<Answer> =>
  host.ask(method, path, { headers, body, ...(via === undefined ? {} : { via }) });

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' });
const readUsers = async (token: string): Promise<number> => (await ask('GET', '/scim/hr/Users?count=1', bearer(token))).status;
const user = (userName: string, more: Json = {}): string =>
  JSON.stringify({
    schemas: [USER],
    userName,
    name: { givenName: 'A', familyName: 'B' },
    emails: [{ type: 'work', value: `${userName}@example.com` }],
    ...more,
  });

async function createToken(body: Json): Promise<{ readonly id: string; readonly token: string }> {
  const answer = await ask(
    'POST',
    '/admin/v1/tokens',
    { authorization: `Bearer ${host.adminToken}`, 'content-type': 'application/json' },
    JSON.stringify(body),
  );
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body as unknown as { readonly id: string; readonly token: string };
}

/** An access token as the issuer gives it, altered. */
function jwt(claims: Json = {}, options: { readonly key?: CryptoKey; readonly kid?: string; readonly expires?: string | number } = {}): Promise<string> {
  return new SignJWT({ tid: 'tenant-1', appid: 'provisioning', ...claims } as JWTPayload)
    .setProtectedHeader({ alg: 'ES256', kid: options.kid ?? 'key-1' })
    .setIssuer(String(claims['iss'] ?? issuerUrl))
    .setAudience(String(claims['aud'] ?? AUDIENCE))
    .setIssuedAt()
    .setExpirationTime(options.expires ?? '10m')
    .sign(options.key ?? keys.privateKey);
}

beforeAll(async () => {
  keys = await generateKeyPair('ES256');
  const published = { ...(await exportJWK(keys.publicKey)), kid: 'key-1', alg: 'ES256', use: 'sig' };
  const issuerFolder = mkdtempSync(join(folder, 'issuer-'));
  const certificate = await generatedCertificate(issuerFolder);
  issuer = createServer({ key: certificate.key, cert: certificate.certificate }, (incoming, response) => {
    keyRequests += 1;
    response.setHeader('content-type', 'application/json');
    if (incoming.url === '/.well-known/openid-configuration') response.end(JSON.stringify({ issuer: issuerUrl, jwks_uri: `${issuerUrl}/keys` }));
    else response.end(JSON.stringify({ keys: [published] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, '127.0.0.1', resolve));
  issuerUrl = `https://localhost:${(issuer.address() as AddressInfo).port}`;

  const authority = await createTestAuthority('clients');
  writeFileSync(join(folder, 'clients.pem'), authority.certificate);
  for (const name of ['agent', 'stranger']) {
    const made = await authority.issue(name);
    writeFileSync(join(folder, `${name}.pem`), made.certificate);
    writeFileSync(join(folder, `${name}.key`), made.key);
  }

  const file = join(folder, 'hr.sqlite');
  createSampleApplication(file, 50);
  writeFileSync(
    join(folder, 'landbridge.yaml'),
    `${sampleConfiguration(['dialect: sqlite', `file: ${file}`])}
authentication:
  egress: ['${new URL(issuerUrl).host}']
  issuers:
    - issuer: ${issuerUrl}
      audience: ${AUDIENCE}
      ca: ${issuerFolder}/ca.crt
      claims: { tid: tenant-1 }
      clients:
        - { client: entra, connector: hr, profile: entra, claims: { appid: provisioning } }
        - { client: reader, connector: hr, claims: { appid: reporting }, operations: [read] }
        - { client: portal, connector: hr, claims: { appid: portal }, operations: [read], attributes: [userName], me: upn }
  certificates:
    ca: clients.pem
    clients:
      - { client: agent, connector: hr, commonName: agent }
`,
  );
  host = await startHttpsHost({ dataFolder: data, configFile: join(folder, 'landbridge.yaml') });
  await ask(
    'POST',
    '/admin/v1/connectors/hr/runs',
    { authorization: `Bearer ${host.adminToken}`, 'content-type': 'application/json' },
    JSON.stringify({ profile: 'full' }),
  );
});

afterAll(async () => {
  await host.close();
  issuer.closeAllConnections();
  await new Promise((resolve) => issuer.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

describe('JSON Web Tokens', () => {
  it('S-223 a token of the issuer, for this audience and tenant, opens the connector of its client', async () => {
    expect(await readUsers(await jwt())).toBe(200);
    expect((await ask('GET', '/scim/other/Users', bearer(await jwt()))).status).toBe(404);
    expect((await ask('GET', '/admin/v1/status', bearer(await jwt()))).status).toBe(401);
  });

  it('S-194 a token of a person is told by a claim who it is, and /Me is that person', async () => {
    const list = (await ask('GET', '/scim/hr/Users?count=1', bearer(await jwt()))).body as unknown as { readonly Resources: readonly Json[] };
    const { userName, id } = list.Resources[0] ?? {};
    expect(await ask('GET', '/scim/hr/Me', bearer(await jwt({ appid: 'portal', upn: String(userName) })))).toMatchObject({
      status: 200,
      body: { id, userName },
    });
    expect((await ask('GET', '/scim/hr/Me', bearer(await jwt({ appid: 'portal', upn: 'no" or userName pr' })))).status).toBe(401);
    expect((await ask('GET', '/scim/hr/Me', bearer(await jwt({ appid: 'portal' })))).status).toBe(501);
    expect((await ask('GET', '/scim/hr/Me', bearer(await jwt()))).status).toBe(501);
  });

  it('SEC-06 what is not pinned does not pass', async () => {
    const foreign = await generateKeyPair('ES256');
    const [header = '', payload = ''] = (await jwt()).split('.');
    const encode = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const publicText = JSON.stringify(await exportJWK(keys.publicKey));
    const confused = `${encode({ alg: 'HS256', kid: 'key-1' })}.${payload}`;
    const corpus: Readonly<Record<string, string>> = {
      'another tenant': await jwt({ tid: 'tenant-2' }),
      'no tenant': await jwt({ tid: undefined }),
      'another application': await jwt({ appid: 'something-else' }),
      'another audience': await jwt({ aud: 'api://other' }),
      'another issuer': await jwt({ iss: 'https://issuer.example' }),
      'a trailing slash': await jwt({ iss: `${issuerUrl}/` }),
      'an expired token': await jwt({}, { expires: Math.floor(Date.now() / 1000) - 120 }),
      'a token for later': await jwt({ nbf: Math.floor(Date.now() / 1000) + 600 }),
      'a foreign key': await jwt({}, { key: foreign.privateKey }),
      'no algorithm': `${encode({ alg: 'none' })}.${payload}.`,
      'a shared secret': `${confused}.${createHmac('sha256', publicText).update(confused).digest('base64url')}`,
      'no signature': `${header}.${payload}.`,
      'an altered payload': `${header}.${encode({ iss: issuerUrl, aud: AUDIENCE, tid: 'tenant-1', appid: 'provisioning', exp: 9_999_999_999 })}.${(await jwt()).split('.')[2]}`,
      'a prototype claim': `${header}.${encode({ iss: '__proto__' })}.x`,
      'not a token': 'eyJhbGciOiJub25lIn0.x.y',
    };
    for (const [what, token] of Object.entries(corpus)) expect(await readUsers(token), what).toBe(401);
  });

  it('SEC-06 an unknown key does not make the host ask the issuer again and again', async () => {
    await readUsers(await jwt());
    const before = keyRequests;
    for (let round = 0; round < 10; round += 1) expect(await readUsers(await jwt({}, { kid: `unknown-${round}` }))).toBe(401);
    expect(keyRequests - before).toBeLessThanOrEqual(1);
  });
});

describe('scopes', () => {
  it('SEC-09 S-225 a client that may only read is refused every write, and 403 is not 401', async () => {
    const reader = bearer(await jwt({ appid: 'reporting' }));
    const list = await ask('GET', '/scim/hr/Users?count=1', reader);
    const [first] = list.body['Resources'] as readonly { readonly id: string }[];
    const path = `/scim/hr/Users/${first?.id}`;
    expect((await ask('GET', path, reader)).status).toBe(200);
    expect(
      (await ask('POST', '/scim/hr/Users/.search', reader, JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'] }))).status,
    ).toBe(200);
    const patch = JSON.stringify({ schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'], Operations: [{ op: 'replace', path: 'title', value: 'x' }] });
    expect((await ask('POST', '/scim/hr/Users', reader, user('nobody'))).status).toBe(403);
    expect((await ask('PATCH', path, reader, patch)).status).toBe(403);
    expect((await ask('DELETE', path, reader)).status).toBe(403);
  });

  it('SEC-09 a token without delete creates and changes, and does not delete', async () => {
    const { token } = await createToken({ connector: 'hr', client: 'careful', operations: ['read', 'create', 'update'] });
    const created = await ask('POST', '/scim/hr/Users', bearer(token), user('kept'));
    expect(created.status).toBe(201);
    expect((await ask('DELETE', `/scim/hr/Users/${String(created.body['id'])}`, bearer(token))).status).toBe(403);
  });

  it('S-020 S-221 external ids belong to the client, and outlive its token', async () => {
    const first = await createToken({ connector: 'hr', client: 'rotating' });
    const created = await ask('POST', '/scim/hr/Users', bearer(first.token), user('rotated', { externalId: 'object-1' }));
    expect(created.body['externalId']).toBe('object-1');
    const second = await createToken({ connector: 'hr', client: 'rotating' });
    await ask('DELETE', `/admin/v1/tokens/${first.id}`, { authorization: `Bearer ${host.adminToken}` });
    expect(await readUsers(first.token)).toBe(401);
    const filter = `/scim/hr/Users?filter=${encodeURIComponent('externalId eq "object-1"')}`;
    expect((await ask('GET', filter, bearer(second.token))).body['totalResults']).toBe(1);
    const stranger = await createToken({ connector: 'hr', client: 'stranger' });
    expect((await ask('GET', filter, bearer(stranger.token))).body['totalResults']).toBe(0);
  });

  it('words that there are not are refused by name', async () => {
    await expect(createToken({ connector: 'hr', client: 'x', operations: ['destroy'] })).rejects.toThrow(
      'there is no operation \\"destroy\\"; there are read, create, update, delete',
    );
    await expect(createToken({ connector: 'hr', client: 'x', profile: 'azure' })).rejects.toThrow('there is no profile');
    await expect(createToken({ connector: 'hr', client: 'a b' })).rejects.toThrow('a client has a name');
  });
});

describe('client credentials', () => {
  const form = (body: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
    ask('POST', '/oauth2/token', { 'content-type': 'application/x-www-form-urlencoded', ...headers }, new URLSearchParams(body).toString());

  it('S-222 id and secret are exchanged for an access token, which ends with its grant', async () => {
    const { id, token: secret } = await createToken({ connector: 'hr', client: 'oauth', grant: 'client-credentials' });
    const basic = { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
    const given = await form({ grant_type: 'client_credentials' }, basic);
    expect(given).toMatchObject({ status: 200, body: { token_type: 'Bearer', expires_in: 3600 }, headers: { 'cache-control': 'no-store' } });
    const inBody = await form({ grant_type: 'client_credentials', client_id: id, client_secret: secret });
    const access = String(inBody.body['access_token']);
    expect(await readUsers(access)).toBe(200);
    // The secret opens nothing itself, and an access token cannot be exchanged.
    expect(await readUsers(secret)).toBe(401);
    expect((await form({ grant_type: 'client_credentials', client_id: id, client_secret: access })).status).toBe(401);
    const [head = '', , signature = ''] = access.split('.');
    expect(await readUsers(`${head}.9999999999.${signature}`)).toBe(401);
    await ask('DELETE', `/admin/v1/tokens/${id}`, { authorization: `Bearer ${host.adminToken}` });
    expect(await readUsers(access)).toBe(401);
    expect((await form({ grant_type: 'client_credentials' }, basic)).status).toBe(401);
  });

  it('answers wrong requests as RFC 6749 §5.2 says', async () => {
    const { token: ordinary, id } = await createToken({ connector: 'hr', client: 'ordinary' });
    expect(await form({ grant_type: 'client_credentials', client_id: id, client_secret: ordinary })).toMatchObject({
      status: 401,
      body: { error: 'invalid_client' },
    });
    expect(await form({ grant_type: 'password' })).toMatchObject({ status: 400, body: { error: 'unsupported_grant_type' } });
    expect(await form({})).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect(await ask('POST', '/oauth2/token', { 'content-type': 'application/json' }, '{}')).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    const twice = 'grant_type=client_credentials&grant_type=client_credentials';
    expect((await ask('POST', '/oauth2/token', { 'content-type': 'application/x-www-form-urlencoded' }, twice)).status).toBe(400);
  });
});

describe('client certificates', () => {
  const pem = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const connect = (name: string): Agent => new Agent({ connect: { ca: host.ca, cert: pem(`${name}.pem`), key: pem(`${name}.key`) } });

  it('S-224 a certificate of the authority opens what its name says; another name, and another authority, nothing', async () => {
    const agent = connect('agent');
    expect((await ask('GET', '/scim/hr/Users?count=1', {}, undefined, agent)).status).toBe(200);
    expect((await ask('GET', '/admin/v1/status', {}, undefined, agent)).status).toBe(401);
    // A wrong token is not made good by a certificate.
    expect((await ask('GET', '/scim/hr/Users?count=1', bearer('wrong'), undefined, agent)).status).toBe(401);
    const stranger = connect('stranger');
    expect((await ask('GET', '/scim/hr/Users?count=1', {}, undefined, stranger)).status).toBe(401);
    const impostor = await (await createTestAuthority('clients')).issue('agent');
    const forged = new Agent({ connect: { ca: host.ca, cert: impostor.certificate, key: impostor.key } });
    expect((await ask('GET', '/scim/hr/Users?count=1', {}, undefined, forged)).status).toBe(401);
    await Promise.all([agent, stranger, forged].map((one) => one.close()));
  });
});
