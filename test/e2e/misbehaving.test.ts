import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectorConfiguration, configurationDefaults, type HostConnector, openConnector, type RequestContext } from '@landbridge/engine';
import { afterEach, describe, expect, it } from 'vitest';
import { personConfiguration } from '../fixtures/person-configuration.ts';

/** Connectors that hang, throw, exit and lie: the host answers, settles, and goes on (R1, R13, R14, R17, R19). */
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const context: RequestContext = { credential: 'c', client: 'c', profile: 'lenient', baseUrl: 'https://h/scim/app', correlation: 'x' };
const quiet = (): void => {};
const open: { connector: HostConnector; folder: string }[] = [];

afterEach(async () => {
  for (const { connector, folder } of open.splice(0)) {
    await connector.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

async function start(behaviour: string, limits: Partial<ConnectorConfiguration['limits']> = {}): Promise<HostConnector> {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-misbehaving-'));
  const connector = await openConnector({
    folder,
    sealingKey: new Uint8Array(32),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    configuration: personConfiguration('misbehaving-connector.ts', {
      limits: { ...configurationDefaults.limits, callSeconds: 0.4, deadlineSeconds: 20, ...limits },
      parameters: { behaviour },
    }),
  });
  open.push({ connector, folder });
  return connector;
}

const create = (connector: HostConnector, userName: string, more: Partial<RequestContext> = {}) =>
  connector.clean.create({ ...context, ...more }, 'Users', { schemas: [USER], userName }, {});
const states = async (connector: HostConnector): Promise<readonly string[]> => (await connector.journal({ limit: 10 })).map((row) => row.state);

describe('SEC-54 a connector that misbehaves while writing', () => {
  for (const behaviour of [
    'throws-a-string',
    'repeats-results',
    'unknown-result',
    'omits-results',
    'close-fails',
    'hangs',
    'blocks',
    'exits',
    'floods-the-stack',
  ]) {
    it(`R13 R14 R19 ${behaviour}: the client gets its answer, once, and the next write works`, async () => {
      const connector = await start(behaviour);
      expect((await create(connector, 'first')).status).toBe(201);
      expect((await create(connector, 'second')).status).toBe(201);
      expect(await states(connector)).toEqual(['applied', 'applied']);
      expect((await connector.status()).inDoubt).toBe(0);
    });
  }

  it('R19 S-206 a server that is down is 503 with Retry-After, and nothing was applied', async () => {
    const connector = await start('answers-server-down');
    await expect(create(connector, 'first')).rejects.toMatchObject({ status: 503, retryAfter: 5 });
    expect(await states(connector)).toEqual(['refused']);
    expect((await create(connector, 'first')).status).toBe(201);
  });

  it.each([
    ['throws-server-down', 2],
    ['throws-server-down-after', 1],
  ])('R13 %s: thrown in the middle of an export it proves nothing; looking decides', async (behaviour, calls) => {
    const connector = await start(behaviour);
    expect((await create(connector, 'first')).status).toBe(201);
    expect(await states(connector)).toEqual(['applied']);
    expect(readFileSync(join(open.at(-1)?.folder ?? '', 'files', 'puts'), 'utf8')).toHaveLength(calls);
  });

  it('R16 S-069 a repeat of a write in flight joins it, and gets the answer that the first sender is not there to hear; nobody else does', async () => {
    const connector = await start('hangs');
    const sends = [create(connector, 'same', { waits: () => false }), create(connector, 'same'), create(connector, 'same')];
    const [one, two, three] = await Promise.allSettled(sends);
    expect(one).toEqual(two);
    expect(two).toMatchObject({ status: 'fulfilled', value: { status: 201 } });
    expect(three).toMatchObject({ status: 'rejected', reason: { status: 409, scimType: 'uniqueness' } });
    expect(await states(connector)).toEqual(['applied']);
  });
});

describe('a connector that misbehaves where its sessions begin and end', () => {
  it.each(['open-import: throws', 'open-import: exits', 'read: throws', 'read: exits', 'close-import: throws', 'close-import: exits'])(
    'R23 %s: the run fails with the reason, nothing is removed, no watermark, and the next run works',
    async (behaviour) => {
      const connector = await start(behaviour);
      const failed = await (await connector.run('full', 'test')).ended;
      expect(failed.result).toBe('failed');
      const [place = '', how] = behaviour.split(': ');
      expect(failed.steps[0]?.errors[0]?.error.message).toMatch(
        how === 'throws' ? `thrown in ${place}` : /the thread of the connector "app" ended: exit code 3/,
      );
      expect((await (await connector.run('full', 'test')).ended).result).toBe('success');
      expect((await connector.status()).entries).toEqual({ person: 3 });
    },
  );

  it('R26 one that hangs or spins in an import, and does not listen, is ended when the run is cancelled; writes and the next run work', async () => {
    const ends = ['open-import: hangs', 'read: blocks', 'read: hangs', 'close-import: hangs'].map(async (behaviour) => {
      const connector = await start(behaviour);
      const run = await connector.run('full', 'test');
      await expect(Promise.race([run.ended, new Promise((resolve) => setTimeout(resolve, 500, 'goes on'))])).resolves.toBe('goes on');
      connector.activeRun?.cancel();
      expect((await run.ended).result, behaviour).toBe('cancelled');
      // While its thread is being ended, clients are told to come back.
      for (let turn = 0; (await create(connector, 'first').catch(() => undefined)) === undefined && turn < 100; turn += 1)
        await new Promise((resolve) => setTimeout(resolve, 200));
      expect(await states(connector), behaviour).toContain('applied');
      expect((await (await connector.run('full', 'test')).ended).result, behaviour).toBe('success');
    });
    await Promise.all(ends);
  });

  it('R1 one that hangs in an import does not keep its host from ending', async () => {
    const connector = await start('read: hangs');
    const run = await connector.run('full', 'test');
    const ended = run.ended.then(() => 'ended');
    const [{ folder = '' } = {}] = open.splice(0);
    await connector.close();
    expect(await Promise.race([ended, Promise.resolve('goes on')])).toBe('ended');
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['open-export: throws', 'open-export: exits'])('R12 %s: nothing was sent, and the client is told to come back', async (behaviour) => {
    const connector = await start(behaviour);
    await expect(create(connector, 'first')).rejects.toMatchObject({ status: 503 });
    expect(await states(connector)).toEqual(['refused']);
    expect((await create(connector, 'first')).status).toBe(201);
  });

  it('R16 open-export: hangs: the client has its answer at the deadline', async () => {
    const connector = await start('open-export: hangs', { deadlineSeconds: 1 });
    await expect(create(connector, 'first')).rejects.toMatchObject({ status: 503 });
  });

  it('R13 R17 close-export: exits: what was sent is looked for, and answered once', async () => {
    const connector = await start('close-export: exits');
    expect((await create(connector, 'first')).status).toBe(201);
    expect((await create(connector, 'second')).status).toBe(201);
    expect(await states(connector)).toEqual(['applied', 'applied']);
  });
});

describe('a connector that misbehaves while importing', () => {
  it.each(['import-drops', 'import-exits'])('R23 %s: the run fails, nothing is removed, and the next run works', async (behaviour) => {
    const connector = await start(behaviour);
    const failed = await (await connector.run('full', 'test')).ended;
    expect(failed.result).toBe('failed');
    expect(failed.steps[0]?.errors[0]?.error.code).toBe('connection-dropped');
    const next = await (await connector.run('full', 'test')).ended;
    expect(next.result).toBe('success');
    expect((await connector.status()).entries).toEqual({ person: 3 });
  });

  it('R23 R24 an entry that cannot be read: counted, named, and no watermark', async () => {
    const connector = await start('import-bad-entry');
    const run = await (await connector.run('full', 'test')).ended;
    expect(run.result).toBe('completed-with-errors');
    expect(run.steps[0]?.errors[0]?.error).toMatchObject({ code: 'missing-attribute' });
    expect((await connector.status()).entries).toEqual({ person: 3 });
  });
});
