import { describe, expect, it } from 'vitest';
import { type Alert, networkOf, openAlerts } from './alerts.ts';

/** Alerts over a control store in memory, with a clock that the test moves. */
async function open(settings = new Map<string, string>()) {
  const sent: Alert[] = [];
  const audit: { readonly actor: string; readonly action: string; readonly detail: string }[] = [];
  const logged: string[] = [];
  const clock = { at: 1_000_000 };
  const note = (fields: Readonly<Record<string, unknown>>): void => void logged.push(String(fields['alert'] ?? fields['reason']));
  const alerts = await openAlerts({
    control: {
      addAudit: async (record) => void audit.push(record),
      readSetting: async (name) => settings.get(name),
      writeSetting: async (name, value) => void settings.set(name, value),
    },
    log: { debug: note, info: note, warn: note, error: note },
    now: () => clock.at,
    async send(alert) {
      sent.push(alert);
      if (alert.detail === 'broken') throw new Error('the webhook is down');
    },
  });
  const answer = (status: number, times = 1, address = '192.0.2.7', credential = 'c'): void => {
    for (let index = 0; index < times; index += 1)
      alerts.observe(credential === '' ? { credential: undefined, connector: undefined, address, status } : { credential, connector: 'hr', address, status });
  };
  const kinds = async (): Promise<readonly string[]> => {
    await alerts.settled();
    return sent.map((one) => one.alert);
  };
  return { alerts, sent, audit, logged, clock, answer, kinds, settings };
}

describe('SEC-61 alerts', () => {
  it('are a line of the log, a row of the audit, a count and a webhook; a webhook that fails hurts nothing', async () => {
    const bench = await open();
    bench.alerts.raise('new-token', { credential: 't1', connector: 'hr', detail: 'broken' });
    bench.alerts.raise('mass-change', { credential: 't1', connector: 'hr' });
    expect(await bench.kinds()).toEqual(['new-token', 'mass-change']);
    expect(bench.sent[0]).toEqual({
      alert: 'new-token',
      message: 'a credential was issued',
      at: expect.any(String) as string,
      credential: 't1',
      connector: 'hr',
      detail: 'broken',
    });
    expect(bench.audit.map((one) => [one.actor, one.action, one.detail])).toEqual([
      ['t1', 'alert.new-token', 'hr broken'],
      ['t1', 'alert.mass-change', 'hr'],
    ]);
    expect(bench.logged).toEqual(['new-token', 'mass-change', 'the webhook is down']);
    expect([...bench.alerts.counts]).toEqual([
      ['new-token', 1],
      ['mass-change', 1],
    ]);
  });

  it('about the same are raised once in ten minutes', async () => {
    const bench = await open();
    for (let minute = 0; minute < 21; minute += 1) {
      bench.alerts.raise('protected-object', { credential: 'c', connector: 'hr' });
      bench.clock.at += 60_000;
    }
    bench.alerts.raise('protected-object', { credential: 'other', connector: 'hr' });
    expect((await bench.kinds()).length).toBe(4);
  });

  it('tell of a network that a credential was never used from, over a restart; not of the first one', async () => {
    const bench = await open();
    bench.answer(200, 3);
    bench.answer(200, 1, '192.0.2.250');
    expect(await bench.kinds()).toEqual([]);
    bench.answer(200, 2, '198.51.100.1');
    expect(await bench.kinds()).toEqual(['new-network']);
    expect(bench.sent[0]).toMatchObject({ credential: 'c', network: '198.51.100.0/24' });
    const again = await open(bench.settings);
    again.answer(200, 1, '198.51.100.9');
    again.answer(200, 1, '2001:db8:1:2::3');
    expect(await again.kinds()).toEqual(['new-network']);
    expect(again.sent[0]?.network).toBe('2001:db8:1::/48');
  });

  it('tell of many denials of a source, with or without a credential, and of many conflicts', async () => {
    const bench = await open();
    bench.answer(401, 19, '203.0.113.5', '');
    expect(await bench.kinds()).toEqual([]);
    bench.answer(401, 30, '203.0.113.99', '');
    bench.answer(200, 100);
    bench.answer(403, 25);
    bench.answer(200, 100, '192.0.2.7', 'd');
    bench.answer(409, 25, '192.0.2.7', 'd');
    await bench.kinds();
    expect(bench.sent.map((one) => [one.alert, one.credential, one.network])).toEqual([
      ['denials', undefined, '203.0.113.0/24'],
      ['denials', 'c', '192.0.2.0/24'],
      ['conflicts', 'd', '192.0.2.0/24'],
    ]);
  });

  it('tell of a share of failures at which an identity provider stops, and not of a few, nor of what is no fault', async () => {
    const bench = await open();
    bench.answer(500, 19);
    bench.clock.at += 300_000;
    bench.answer(404, 60);
    bench.answer(412, 60);
    bench.answer(200, 60);
    bench.answer(503, 60);
    expect(await bench.kinds()).toEqual([]);
    bench.clock.at += 300_000;
    bench.answer(200, 30);
    bench.answer(400, 21);
    expect(await bench.kinds()).toEqual(['failures']);
  });

  it('know networks by 24 and 48 bits', () => {
    for (const [address, network] of [
      ['10.1.2.3', '10.1.2.0/24'],
      ['::ffff:10.1.2.3', '10.1.2.0/24'],
      ['::1', '0:0:0::/48'],
      ['2001:0db8:0001:2::3', '2001:db8:1::/48'],
      ['fe80::1%eth0', 'fe80:0:0::/48'],
    ] as const)
      expect(networkOf(address), address).toBe(network);
  });
});
