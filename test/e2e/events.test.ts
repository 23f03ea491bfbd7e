import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createSampleApplication, sampleConfiguration } from '../../apps/cli/src/tour/sample-application.ts';
import { generatedCertificate } from '../../apps/server/src/credentials/certificate.ts';
import { type Answer, type HttpsHost, type Json, type Method, startHttpsHost } from '../fixtures/https-host.ts';

/** Security event tokens as their receivers meet them: pushed to a real HTTPS server, polled over HTTPS, checked with the published keys. */
const folder = mkdtempSync(join(tmpdir(), 'landbridge-events-'));
const file = join(folder, 'hr.sqlite');
const URN = 'urn:ietf:params:scim:event';
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
let host: HttpsHost;
let configuration: string;
let receiver: Server;
let token: string;
let poller: string;

const ask = (method: Method, path: string, body?: Json, headers: Readonly<Record<string, string>> = {}): Promise<Answer> =>
  path.startsWith('/admin') ? host.admin(method, path.slice('/admin/v1'.length), body) : host.ask(method, path, { token, body, headers });

/** A checked token: signed by a published key, for this audience, from this issuer, of the right type. */
async function check(set: string, audience: string): Promise<Json> {
  const published = await host.ask('GET', '/.well-known/jwks.json');
  const keys = createLocalJWKSet(published.body as unknown as JSONWebKeySet);
  const { payload } = await jwtVerify(set, keys, { issuer: host.server.url, audience, typ: 'secevent+jwt' });
  return payload as Json;
}

const poll = async (body: Json, as = poller): Promise<Answer> =>
  ask('POST', '/events/hr/siem', { returnImmediately: true, ...body }, { authorization: `Bearer ${as}`, 'content-type': 'application/json' });
const polled = async (body: Json = {}): Promise<readonly Json[]> => {
  const sets = Object.values((await poll(body)).body['sets'] as Readonly<Record<string, string>>);
  return Promise.all(sets.map((set) => check(set, 'https://siem.example.com')));
};
const acknowledgeAll = async (): Promise<void> => {
  const waiting = await polled();
  await poll({ ack: waiting.map((event) => event['jti']), maxEvents: 0 });
};

/** What an event of a token says, by the last part of its URI. */
const payloadOf = (event: Json | undefined, uri: string): Json => ((event?.['events'] ?? {}) as Readonly<Record<string, Json>>)[`${URN}:${uri}`] ?? {};

/** What the push receiver was sent, and how it answers. */
const pushed: { readonly set: string; readonly headers: IncomingMessage['headers'] }[] = [];
let answerPush: (response: ServerResponse) => void = (response) => response.writeHead(202).end();

const newUser = (userName: string): Json => ({
  schemas: [USER],
  userName,
  name: { givenName: 'A', familyName: 'B' },
  emails: [{ type: 'work', value: `${userName}@example.com` }],
});

async function start(): Promise<void> {
  host = await startHttpsHost({ dataFolder: join(folder, 'data'), configFile: join(folder, 'landbridge.yaml') });
}

beforeAll(async () => {
  const certificateFolder = mkdtempSync(join(folder, 'receiver-'));
  const certificate = await generatedCertificate(certificateFolder);
  receiver = createServer({ key: certificate.key, cert: certificate.certificate }, (incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      pushed.push({ set: Buffer.concat(chunks).toString('utf8'), headers: incoming.headers });
      answerPush(response);
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  process.env['LANDBRIDGE_TEST_RECEIVER'] = 'Bearer receiver-secret';
  createSampleApplication(file, 20);
  configuration = sampleConfiguration(['dialect: sqlite', `file: ${file}`]).replace(
    '    package: sql\n',
    `    package: sql
    massChange: { percent: 0, minimum: 1 }
    egress: ['localhost:${(receiver.address() as AddressInfo).port}']
    events:
      siem: { audience: 'https://siem.example.com', poll: { client: siem } }
      guard:
        audience: https://guard.example.com
        push:
          url: https://localhost:${(receiver.address() as AddressInfo).port}/events
          authorization: '\${env:LANDBRIDGE_TEST_RECEIVER}'
          ca: ${certificateFolder}/ca.crt
`,
  );
  writeFileSync(join(folder, 'landbridge.yaml'), configuration);
  await start();
  const newToken = async (client: string): Promise<string> =>
    String((await ask('POST', '/admin/v1/tokens', { connector: 'hr', client, label: client })).body['token']);
  token = await newToken('entra');
  poller = await newToken('siem');
  expect(await host.importAll('hr')).toBe('success');
});

afterAll(async () => {
  await host.close();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

describe('security event tokens', () => {
  it('S-242 SEC-62 name issuer, audience, subject, transaction and event, and neither sub nor exp', async () => {
    expect((await polled({ maxEvents: 3 })).map((event) => Object.keys(event['events'] as Json))).toEqual(
      Array.from({ length: 3 }, () => [`${URN}:prov:create:notice`]),
    );
    await acknowledgeAll();
    const created = await ask('POST', '/scim/hr/Users', newUser('ada.events'));
    const [event] = await polled();
    expect(event).toMatchObject({
      iss: host.server.url,
      aud: 'https://siem.example.com',
      txn: created.headers['x-correlation-id'],
      sub_id: { format: 'scim', uri: `/Users/${String(created.body['id'])}`, id: created.body['id'] },
    });
    expect(event).not.toHaveProperty('sub');
    expect(event).not.toHaveProperty('exp');
  });

  it('S-243 say by their URI what happened, and name attributes without values', async () => {
    await acknowledgeAll();
    const created = await ask('POST', '/scim/hr/Users', newUser('grace.events'));
    const path = `/scim/hr/Users/${String(created.body['id'])}`;
    await ask('PATCH', path, { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: 'Secret Agent' }] });
    await ask('PUT', path, { ...newUser('grace.events'), title: 'Spy', active: true });
    await ask('PATCH', path, { schemas: [PATCH], Operations: [{ op: 'replace', path: 'active', value: false }] });
    await ask('PATCH', path, { schemas: [PATCH], Operations: [{ op: 'replace', path: 'active', value: true }] });
    const all = await polled();
    expect(all.map((event) => Object.keys(event['events'] as Json))).toEqual([
      [`${URN}:prov:create:notice`],
      [`${URN}:prov:patch:notice`],
      [`${URN}:prov:put:notice`],
      [`${URN}:prov:patch:notice`, `${URN}:prov:deactivate`],
      [`${URN}:prov:patch:notice`, `${URN}:prov:activate`],
    ]);
    expect(payloadOf(all[1], 'prov:patch:notice')).toEqual({ attributes: ['title'] });
    expect(JSON.stringify(all)).not.toContain('Secret Agent');
    expect((await ask('GET', '/scim/hr/ServiceProviderConfig')).body['securityEvents']).toMatchObject({ asyncRequest: 'request' });
  });

  it('S-245 are delivered again until they are acknowledged, and errors of the receiver are kept', async () => {
    await acknowledgeAll();
    for (const name of ['one', 'two', 'three']) await ask('POST', '/scim/hr/Users', newUser(`${name}.poll`));
    const first = await poll({ maxEvents: 2 });
    expect(Object.keys(first.body['sets'] as Json)).toHaveLength(2);
    expect(first.body['moreAvailable']).toBe(true);
    const [a = '', b = ''] = Object.keys((await poll({ maxEvents: 2 })).body['sets'] as Json);
    expect(Object.keys(first.body['sets'] as Json)).toEqual([a, b]);
    const rest = await poll({ ack: [b], setErrs: { [a]: { err: 'invalid_key', description: 'no such key' } } });
    expect(Object.keys(rest.body['sets'] as Json)).toHaveLength(1);
    expect(rest.body['moreAvailable']).toBe(false);
    const status = (await ask('GET', '/admin/v1/connectors/hr/events')).body as unknown as readonly Json[];
    expect(status.find((stream) => stream['name'] === 'siem')).toMatchObject({ waiting: 1, failed: 1, delivery: 'poll' });
    expect((await poll({ maxEvents: 'all' })).body).toMatchObject({ err: 'invalid_request' });
  });

  it('S-245 a poll waits for the next event', async () => {
    await acknowledgeAll();
    const waiting = poll({ returnImmediately: false });
    await ask('POST', '/scim/hr/Users', newUser('late.poll'));
    expect(Object.keys((await waiting).body['sets'] as Json)).toHaveLength(1);
  });

  it('SEC-10 another client, and another connector, learn nothing of a stream', async () => {
    expect((await poll({}, token)).status).toBe(404);
    expect((await poll({}, 'wrong')).status).toBe(401);
    expect((await ask('POST', '/events/hr/guard', {}, { authorization: `Bearer ${poller}` })).status).toBe(404);
    expect((await ask('POST', '/events/other/siem', {}, { authorization: `Bearer ${poller}` })).status).toBe(404);
  });

  it('S-244 are pushed as secevent+jwt, again with back-off until they are taken, and passed over when refused for good', async () => {
    await vi.waitUntil(async () => {
      const status = (await ask('GET', '/admin/v1/connectors/hr/events')).body as unknown as readonly Json[];
      return status.find((stream) => stream['name'] === 'guard')?.['waiting'] === 0;
    }, 20_000);
    const mark = pushed.length;
    let refusals = 0;
    answerPush = (response) => {
      refusals += 1;
      if (refusals === 1) response.writeHead(503).end();
      else if (refusals === 2)
        response.writeHead(400, { 'content-type': 'application/json' }).end('{"err":"authentication_failed","description":"key unknown"}');
      else if (refusals === 3) response.writeHead(400, { 'content-type': 'application/json' }).end('{"err":"invalid_request","description":"cannot read"}');
      else response.writeHead(202).end();
    };
    const created = await ask('POST', '/scim/hr/Users', newUser('push.one'));
    await ask('POST', '/scim/hr/Users', newUser('push.two'));
    await vi.waitUntil(() => pushed.length >= mark + 4, { timeout: 30_000, interval: 50 });
    const events = await Promise.all(pushed.slice(mark, mark + 4).map(({ set }) => check(set, 'https://guard.example.com')));
    expect(new Set(events.slice(0, 3).map((event) => event['jti'])).size).toBe(1);
    expect(events[0]?.['sub_id']).toMatchObject({ id: created.body['id'] });
    expect(events[3]?.['jti']).not.toBe(events[0]?.['jti']);
    expect(pushed[mark]?.headers).toMatchObject({
      'content-type': 'application/secevent+jwt',
      accept: 'application/json',
      authorization: 'Bearer receiver-secret',
    });
    const status = (await ask('GET', '/admin/v1/connectors/hr/events')).body as unknown as readonly Json[];
    expect(status.find((stream) => stream['name'] === 'guard')).toMatchObject({ failed: 1, delivery: 'push' });
  });

  it('S-247 a client that asks not to wait gets 202 once its write is durable, and an event when it ended', async () => {
    await acknowledgeAll();
    const accepted = await ask('POST', '/scim/hr/Users', newUser('async.create'), { prefer: 'respond-async' });
    expect(accepted.status).toBe(202);
    expect(accepted.headers['preference-applied']).toBe('respond-async');
    const txn = String(accepted.headers['set-txn']);
    await vi.waitUntil(async () => (await polled()).length === 2, { timeout: 10_000, interval: 50 });
    const all = await polled();
    expect(all.map((event) => event['txn'])).toEqual([txn, txn]);
    expect(payloadOf(all[1], 'misc:asyncresp')).toMatchObject({
      method: 'POST',
      status: '201',
      location: expect.stringMatching(/^\/Users\//),
    });
    await acknowledgeAll();
    const refused = await ask('POST', '/scim/hr/Users', newUser('async.create'), { prefer: 'respond-async, wait=5' });
    expect(refused.status).toBe(409);
    const patched = await ask(
      'PATCH',
      `/scim/hr${String(payloadOf(all[1], 'misc:asyncresp')['location'])}`,
      {
        schemas: [PATCH],
        Operations: [{ op: 'replace', path: 'title', value: 'Waited' }],
      },
      { prefer: 'respond-async; wait=10' },
    );
    expect(patched.status).toBe(200);
  });

  it('S-247 S-248 tell what an administrator decided of a held write, and survive a restart', async () => {
    await acknowledgeAll();
    const list = (await ask('GET', '/scim/hr/Users?filter=userName sw "push"')).body['Resources'] as readonly Json[];
    const paths = list.map((one) => `/scim/hr/Users/${String(one['id'])}`);
    const answers = [];
    for (const path of paths) answers.push(await ask('DELETE', path, undefined, { prefer: 'respond-async, wait=5' }));
    const held = answers.filter((answer) => answer.status === 202);
    expect(held.length).toBeGreaterThan(0);
    await host.close();
    await start();
    await ask('POST', '/admin/v1/connectors/hr/journal/reject', { writes: 'all' });
    const completions = (await polled()).filter((event) => Object.hasOwn(event['events'] as Json, `${URN}:misc:asyncresp`));
    expect(completions.map((event) => event['txn'])).toEqual(expect.arrayContaining(held.map((answer) => answer.headers['set-txn'])));
  });

  it('tell what the application changed by itself, as the next import finds it', async () => {
    await acknowledgeAll();
    const database = new DatabaseSync(file);
    database.exec(
      "UPDATE employees SET title = 'Diver' WHERE user_name = 'one.poll'; INSERT INTO employees(user_name, last_name) VALUES ('outside', 'Outside')",
    );
    database.close();
    expect(await host.importAll('hr')).toBe('success');
    const all = await polled();
    expect(all.map((event) => event['events'])).toEqual(
      expect.arrayContaining([
        { [`${URN}:prov:patch:notice`]: { attributes: ['title'] } },
        { [`${URN}:prov:create:notice`]: { attributes: expect.arrayContaining(['userName']) } },
      ]),
    );
    expect(String(all[0]?.['txn'])).toMatch(/^run-\d+$/);
  });

  it('S-245 a poll goes on while its connector is handed over to another configuration', async () => {
    await acknowledgeAll();
    const waiting = poll({ returnImmediately: false });
    await host.apply(configuration.replace('minimum: 1 }', 'minimum: 1000 }'));
    await ask('POST', '/scim/hr/Users', newUser('after.hand-over'));
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body['sets'] as Json)).toHaveLength(1);
  });

  it('S-226 a poll comes from the networks that the connector takes requests from', async () => {
    await host.apply(configuration.replace('    events:', "    allowFrom: ['10.0.0.0/8']\n    events:"));
    expect((await poll({})).status).toBe(403);
    expect((await poll({}, token)).status).toBe(404);
    await host.apply(configuration);
    expect((await poll({})).status).toBe(200);
  });

  it('S-246 SEC-62 a new key signs from the rotation on, and tokens of the old one can still be checked', async () => {
    await ask('POST', '/scim/hr/Users', newUser('before.rotation'));
    const before = Object.values((await poll({})).body['sets'] as Readonly<Record<string, string>>)[0] ?? '';
    const { kid } = (await ask('POST', '/admin/v1/events/rotate-key', {})).body;
    const after = Object.values((await poll({})).body['sets'] as Readonly<Record<string, string>>)[0] ?? '';
    const header = (set: string): Json => JSON.parse(Buffer.from(set.split('.')[0] ?? '', 'base64url').toString('utf8')) as Json;
    expect(header(after)['kid']).toBe(kid);
    expect(header(before)['kid']).not.toBe(kid);
    expect((await check(before, 'https://siem.example.com'))['jti']).toBe((await check(after, 'https://siem.example.com'))['jti']);
    const published = (await ask('GET', '/.well-known/jwks.json')).body['keys'] as readonly Json[];
    expect(published).toHaveLength(2);
    expect(published.every((key) => !Object.hasOwn(key, 'd'))).toBe(true);
  });
});

describe('SEC-43 the secret of a receiver', () => {
  it('does not go to another address until it is set again, and to the former one as before', async () => {
    /** What arrived: where, and with which secret. */
    const met = new Set<string>();
    const certificateFolder = mkdtempSync(join(folder, 'sink-'));
    const certificate = await generatedCertificate(certificateFolder);
    const sink = createServer({ key: certificate.key, cert: certificate.certificate }, (incoming, response) => {
      met.add(`${incoming.url} ${incoming.headers.authorization}`);
      response.writeHead(202).end();
    });
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    const address = `localhost:${(sink.address() as AddressInfo).port}`;
    const at = (path: string): string =>
      `${configuration.slice(0, configuration.indexOf('      siem:'))}      guard:
        audience: https://guard.example.com
        push: { url: 'https://${address}${path}', authorization: '\${secret:guard}', ca: ${certificateFolder}/ca.crt }
${configuration.slice(configuration.indexOf('/ca.crt') + '/ca.crt'.length + 1)}`.replace(/egress: .*/, `egress: ['${address}']`);
    const change = async (name: string): Promise<void> => {
      expect((await ask('POST', '/scim/hr/Users', newUser(name))).status).toBe(201);
    };
    const problemOf = async (): Promise<string> => JSON.stringify((await host.admin('GET', '/connectors/hr/events')).body);
    expect((await host.admin('PUT', '/secrets/guard', { value: 'the value' })).status).toBe(200);
    await host.apply(at('/events'));
    await change('secret-1');
    await vi.waitFor(() => expect([...met]).toEqual(['/events the value']), 20_000);
    await host.apply(at('/elsewhere'));
    await change('secret-2');
    // The stream is not at work: nothing is sent, with or without the secret.
    expect(await problemOf()).toBe('[]');
    met.clear();
    await host.apply(at('/events'));
    await vi.waitFor(() => expect([...met]).toEqual(['/events the value']), 20_000);
    await host.apply(at('/elsewhere'));
    expect((await host.admin('PUT', '/secrets/guard', { value: 'for elsewhere' })).status).toBe(200);
    await change('secret-3');
    await vi.waitFor(() => expect([...met]).toEqual(['/events the value', '/elsewhere for elsewhere']), 20_000);
    sink.closeAllConnections();
    await new Promise((resolve) => sink.close(resolve));
  });
});

describe('SEC-61 alerts', () => {
  it('reach the webhook of the configuration, with its secret', async () => {
    const taken: { readonly authorization: string | undefined; readonly alert: Json }[] = [];
    const certificateFolder = mkdtempSync(join(folder, 'alerts-'));
    const certificate = await generatedCertificate(certificateFolder);
    const webhook = createServer({ key: certificate.key, cert: certificate.certificate }, (incoming, response) => {
      let text = '';
      incoming.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      incoming.on('end', () => {
        taken.push({ authorization: incoming.headers.authorization, alert: JSON.parse(text) as Json });
        response.end();
      });
    });
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    const address = `localhost:${(webhook.address() as AddressInfo).port}`;
    expect((await host.admin('PUT', '/secrets/alerts', { value: 'for the webhook' })).status).toBe(200);
    await host.apply(`${configuration}
alerts:
  egress: ['${address}']
  webhook: { url: 'https://${address}/alerts', authorization: '\${secret:alerts}', ca: ${certificateFolder}/ca.crt }
`);
    const created = await host.admin('POST', '/tokens', { connector: 'hr', client: 'alerted', label: 'x' });
    await vi.waitFor(() => expect(taken.map((one) => one.alert['alert'])).toContain('new-token'), 20_000);
    const told = taken.find((one) => one.alert['alert'] === 'new-token');
    expect(told).toMatchObject({
      authorization: 'for the webhook',
      alert: { connector: 'hr', credential: created.body['id'], message: 'a credential was issued' },
    });
    expect(JSON.stringify(taken)).not.toContain(String(created.body['token']));
    const audit = (await host.admin('GET', '/audit?limit=50')).body as unknown as readonly Json[];
    expect(audit.map((row) => row['action'])).toContain('alert.new-token');
    expect(audit.map((row) => row['action'])).toContain('alert.mass-change');
    webhook.closeAllConnections();
    await new Promise((resolve) => webhook.close(resolve));
  });
});
