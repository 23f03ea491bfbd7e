import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connectorErrors } from '@landbridge/connector-sdk';
import { ScimError } from '@landbridge/scim';
import { afterEach, describe, expect, it } from 'vitest';
import { scimErrorOf } from '../../packages/engine/src/scim-errors.ts';
import { context, person, type ScriptedHost, type ScriptedHostOptions, startScriptedHost } from '../fixtures/scripted-host.ts';

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const CANARY = 'C4nary-pa55word-Ωmega';
const hosts: ScriptedHost[] = [];

async function start(options: Partial<ScriptedHostOptions> = {}): Promise<ScriptedHost> {
  const host = await startScriptedHost({ schema: [person], ...options });
  hosts.push(host);
  return host;
}

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
});

/** The error of a request that must fail. */
async function refusal(act: Promise<unknown>): Promise<ScimError> {
  try {
    await act;
  } catch (error) {
    if (error instanceof ScimError) return error;
    throw error;
  }
  throw new Error('it was answered with success');
}

const setPassword = (host: ScriptedHost, id: string, value: string) =>
  host.connector.clean.patch(context, 'Users', id, { schemas: [PATCH], Operations: [{ op: 'replace', path: 'password', value }] }, {});

/** All that the host wrote: databases, logs, journals. */
function everyByte(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return Buffer.concat(files.filter((file) => statSync(file).isFile()).map((file) => readFileSync(file)));
}

describe('passwords', () => {
  it('R21 S-251 are not sent over a connection that is not secure, unless the configuration allows it by name', async () => {
    const host = await start({ parameters: { passwordsNotSecure: true } });
    const created = await host.create('Users', { schemas: [USER], userName: 'ada' });
    const error = await refusal(setPassword(host, String(created['id']), CANARY));
    expect(error).toMatchObject({ status: 403, message: expect.stringMatching(/not secure.*notSecure: allow/) });
    expect((await refusal(host.create('Users', { schemas: [USER], userName: 'bob', password: CANARY }))).status).toBe(403);
    expect(host.calls('set-password')).toEqual([]);
    await host.reopen({ passwordsNotSecure: true });
    await setPassword(host, String(created['id']), CANARY);
    expect(host.application.objects()[0]?.password).toBe(CANARY);
  });

  it('S-235 S-234 S-101 are set by POST and PATCH where the application can, and shown, filtered and kept nowhere', async () => {
    const host = await start();
    const config = JSON.parse(host.connector.clean.discovery(context, 'ServiceProviderConfig').body ?? '{}') as { readonly changePassword: unknown };
    expect(config.changePassword).toEqual({ supported: true });
    const created = await host.create('Users', { schemas: [USER], userName: 'ada', password: `${CANARY}-1` });
    const id = String(created['id']);
    const inApplication = (): unknown => host.application.objects()[0]?.password;
    expect(inApplication()).toBe(`${CANARY}-1`);
    const answer = await setPassword(host, id, `${CANARY}-2`);
    expect(inApplication()).toBe(`${CANARY}-2`);
    const seen = [
      created,
      answer,
      await host.read('Users', id),
      await host.list('Users'),
      await host.connector.journal({ limit: 10 }),
      await host.connector.audit({ limit: 10 }),
    ];
    expect(JSON.stringify(seen)).not.toContain(CANARY);
    expect(JSON.stringify(seen.slice(0, 4))).not.toContain('"password"');
    expect(JSON.stringify(seen.at(-1))).toContain('"password"');
    expect((await refusal(host.list('Users', 'password eq "x"'))).scimType).toBe('invalidFilter');
    expect(everyByte(host.folder).includes(CANARY)).toBe(false);
  });

  it('S-235 S-205 a password that the application refuses is 400 invalidValue, and no message repeats it', async () => {
    const host = await start();
    const { id } = await host.create('Users', { schemas: [USER], userName: 'ada' });
    const error = await refusal(setPassword(host, String(id), 'abc'));
    expect([error.status, error.scimType]).toEqual([400, 'invalidValue']);
    expect(error.message).not.toContain('abc');
  });

  it('S-235 S-003 where the application has none it is ignored in a create, and refused in a PATCH', async () => {
    const host = await start({ capabilities: { password: false } });
    const config = JSON.parse(host.connector.clean.discovery(context, 'ServiceProviderConfig').body ?? '{}') as { readonly changePassword: unknown };
    expect(config.changePassword).toEqual({ supported: false });
    const { id } = await host.create('Users', { schemas: [USER], userName: 'ada', password: CANARY });
    const strict = await host.connector.clean.create({ ...context, profile: 'strict' }, 'Users', { schemas: [USER], userName: 'eve', password: CANARY }, {});
    expect(strict.status).toBe(201);
    expect((await refusal(setPassword(host, String(id), CANARY))).status).toBe(400);
    expect(everyByte(host.folder).includes(CANARY)).toBe(false);
  });

  it('S-236 SEC-57 S-057 one that waits for a settled write is sealed in the file, prepared, and gone when it is done', async () => {
    const host = await start();
    host.application.script('before-put', 'delay', { value: 400 });
    const first = host.create('Users', { schemas: [USER], userName: 'ada', password: `${CANARY}\u00a0x` });
    for (;;) {
      const [row] = await host.connector.journal({ limit: 1 });
      if (row?.sealed === undefined) continue;
      expect(row.sealed).not.toContain(CANARY);
      break;
    }
    expect(everyByte(host.folder).includes(CANARY)).toBe(false);
    await first;
    expect(host.application.objects()[0]?.password).toBe(`${CANARY} x`);
    expect((await host.connector.journal({ limit: 10 })).map((row) => row.sealed)).toEqual([undefined]);
  });
});

describe('faults', () => {
  it('S-206 only what passes is 429 or 5xx; everything that stays wrong is 4xx, and what may be repeated says when', () => {
    for (const [code, row] of Object.entries(connectorErrors)) {
      const error = scimErrorOf({ code: code as keyof typeof connectorErrors, message: 'm' });
      if (row.class === 'skip') expect([400, 403, 404, 409, 413, 501], code).toContain(error.status);
      else expect([429, 500, 501, 503], code).toContain(error.status);
      if (error.status === 503 || error.status === 429) expect(error.retryAfter, code).toBeGreaterThan(0);
    }
  });

  it('S-208 S-206 a write that takes longer than the deadline is 503 with Retry-After, goes on, and its repeat is answered', async () => {
    const host = await start({ configuration: { limits: { ...limits, callSeconds: 30, deadlineSeconds: 0.2 } } });
    host.application.script('before-put', 'delay', { value: 600 });
    const body = { schemas: [USER], userName: 'slow' };
    const error = await refusal(host.create('Users', body));
    expect([error.status, error.retryAfter]).toEqual([503, 5]);
    for (;;) {
      const repeat = await host.create('Users', body).catch((again: unknown) => again);
      if (repeat instanceof ScimError && repeat.status === 503) continue;
      if (repeat instanceof ScimError) expect(repeat.status).toBe(409);
      break;
    }
    expect(host.application.objects()).toHaveLength(1);
  });

  it('S-251 S-134 a change whose second step fails is an error, is in the audit, and its repeat makes what was asked for', async () => {
    const host = await start();
    const { id } = await host.create('Users', { schemas: [USER], userName: 'ada', title: 'Old' });
    host.application.script('set-password', 'throw', { value: 'password-policy' });
    const both = () =>
      host.connector.clean.patch(
        context,
        'Users',
        String(id),
        { schemas: [PATCH], Operations: [{ op: 'replace', value: { title: 'New', password: CANARY } }] },
        {},
      );
    expect((await refusal(both())).status).toBe(400);
    const [last] = await host.connector.audit({ limit: 1 });
    expect(last).toMatchObject({ action: 'update', result: expect.not.stringMatching(/^applied$/) });
    await both();
    expect((await host.read('Users', String(id)))['title']).toBe('New');
    expect(host.application.objects()[0]).toMatchObject({ password: CANARY, attributes: { title: 'New' } });
  });

  it('SEC-40 SEC-46 what an application throws or answers wrongly ends no process and is not shown', async () => {
    const host = await start();
    host.application.script('before-put', 'throw', { value: 'permission-denied' });
    const error = await refusal(host.create('Users', { schemas: [USER], userName: 'ada' }));
    expect(error.status).toBe(403);
    expect(error.message).not.toMatch(/\bat .*\.[jt]s/);
    host.application.script('before-put', 'throw-text');
    await host.create('Users', { schemas: [USER], userName: 'hedy' });
    expect((await host.create('Users', { schemas: [USER], userName: 'grace' }))['userName']).toBe('grace');
  });
});

const limits = {
  requestsPerSecond: 0,
  concurrentRequests: 500,
  callSeconds: 20,
  deadlineSeconds: 25,
  hardLimitSeconds: 600,
  memoryMegabytes: 512,
  scanEntries: 200_000,
  runErrors: 5000,
};
