import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ChainReport, verifyChain } from '../audit-chain.ts';
import type { ControlStore } from '../control-store.ts';
import { describeStores } from './describe-stores.ts';
import { audit, person } from './people.ts';
import { implementations, type StorePlace } from './stores.ts';

const found = (report: ChainReport): readonly string[] => report.problems.map((one) => `${one.problem} ${one.row}`);

describeStores('SEC-60 the chain over the audit of writes', (bench) => {
  /** Seven rows, some of them written by one transaction. */
  async function write(times = [1, 2, 3, 4, 5, 6, 7]): Promise<void> {
    await bench.drive.import([person('1')]);
    const scimId = (await bench.drive.row('1'))?.scimId ?? '';
    const changes = times.map((at) => ({ scimId, change: {}, audit: { ...audit, at, detail: 'a \u0000 b', resource: scimId }, at }));
    await bench.store.commitLinkChanges(changes.slice(0, 3));
    for (const change of changes.slice(3)) await bench.store.commitLinkChanges([change]);
  }
  const verify = (noted?: { readonly id: number; readonly code: string }) => verifyChain(bench.reader.auditChain, noted);
  const tamper = (sql: string) => bench.place.execute('connector', sql);

  it('is intact over writes, failed transactions and restarts', async () => {
    expect(await verify()).toMatchObject({ intact: true, rows: 0, uncovered: 0 });
    await write();
    await expect(bench.store.commitResults([{ journalId: 999, state: 'applied', audit, at: 5 }])).rejects.toThrow('no journal row');
    await bench.reopen();
    await write([8, 9]);
    expect(await verify()).toMatchObject({ intact: true, rows: 9, uncovered: 0, problems: [] });
  });

  it.each([
    ['a changed row', "UPDATE audit SET actor = 'nobody' WHERE id = (SELECT min(id) + 2 FROM audit)", ['changed 3']],
    ['a changed time', 'UPDATE audit SET at = at + 1 WHERE id = (SELECT max(id) FROM audit)', ['changed 7']],
    ['removed rows', 'DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT 2 OFFSET 2)', ['missing 3']],
    ['removed rows at the beginning', 'DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT 2)', ['missing 1']],
    ['a cut end', 'DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)', ['missing 7']],
    [
      'a row at the end',
      `INSERT INTO audit(id, at, actor, action, attributes, result, correlation, code)
       SELECT id + 1, at, actor, action, attributes, result, correlation, code FROM audit ORDER BY id DESC LIMIT 1`,
      ['changed 8', 'inserted 8'],
    ],
    [
      'a cut end with an end that was moved back',
      `DELETE FROM audit WHERE id = (SELECT max(id) FROM audit);
       UPDATE audit_chain SET id = (SELECT max(id) FROM audit), code = (SELECT code FROM audit ORDER BY id DESC LIMIT 1) WHERE name = 'head'`,
      ['anchor 6'],
    ],
    [
      'a beginning that was moved on',
      `DELETE FROM audit WHERE id < (SELECT max(id) FROM audit);
       UPDATE audit_chain SET id = (SELECT max(id) - 1 FROM audit) WHERE name = 'base'`,
      ['anchor 6', 'changed 7'],
    ],
    ['rows without their codes', 'UPDATE audit SET code = NULL', ['changed 1', 'changed 2', 'changed 3', 'changed 4', 'changed 5', 'changed 6', 'changed 7']],
    ['a chain without its ends', 'DELETE FROM audit_chain', [1, 2, 3, 4, 5, 6, 7].map((row) => `inserted ${row}`)],
  ])('finds %s', async (_title, sql, problems) => {
    await write();
    await tamper(sql);
    const report = await verify();
    expect(found(report)).toEqual(problems);
    expect(report.intact).toBe(false);
  });

  it('finds rows that were exchanged, and rows in the place of a removed one', async () => {
    await write();
    await tamper('UPDATE audit SET id = 100 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = 100');
    expect(found(await verify())).toEqual(['changed 3', 'changed 4', 'changed 5']);
    await tamper('UPDATE audit SET id = 100 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 4; UPDATE audit SET id = 4 WHERE id = 100');
    expect(await verify()).toMatchObject({ intact: true, rows: 7 });
  });

  it('does not verify with another key', async () => {
    await write();
    const report = await verifyChain({ ...bench.reader.auditChain, key: new Uint8Array(32).fill(8) });
    expect(report.intact).toBe(false);
    expect(report.problems[0]?.message).toContain('another host with another audit.key');
  });

  it('retention moves its beginning: what is left is intact, and what is cut is found', async () => {
    await write();
    const noted = (await verify()).last;
    const old = await verifyChain(bench.reader.auditChain);
    expect(await bench.store.forgetOld({ journalBefore: 0, auditBefore: 4, runsBefore: 0 })).toEqual({ removed: 3, done: true });
    expect(await verify(noted)).toMatchObject({ intact: true, rows: 4, noted: 'found' });
    await write([8]);
    expect(await bench.store.forgetOld({ journalBefore: 0, auditBefore: 100, runsBefore: 0 })).toEqual({ removed: 5, done: true });
    expect(await verify()).toMatchObject({ intact: true, rows: 0 });
    await write([101, 102]);
    expect(await verify(old.last)).toMatchObject({ intact: true, rows: 2, noted: 'forgotten' });
    await tamper('DELETE FROM audit WHERE at = 101');
    expect(found(await verify())).toEqual(['missing 9']);
  });

  it('a database that was put back to an earlier moment is found by a place that was noted', async () => {
    await write();
    const noted = (await verify()).last;
    expect(await verify(noted)).toMatchObject({ noted: 'found' });
    // Everything is begun anew: rows, codes and ends are of this key, and the noted place is nowhere.
    await tamper('DELETE FROM audit; DELETE FROM audit_chain');
    await bench.reopen();
    await write([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await verify(noted)).toMatchObject({ intact: true, rows: 8, noted: 'not-found' });
  });

  it('rows from before the chain are counted and not covered', async () => {
    await write();
    await tamper('DELETE FROM audit_chain; UPDATE audit SET code = NULL');
    await bench.reopen();
    await write([8]);
    expect(await verify()).toMatchObject({ intact: true, rows: 1, uncovered: 7 });
  });
});

describe.each(implementations)('$name: SEC-60 the chain over the audit of administration', (implementation) => {
  let place: StorePlace;
  let control: ControlStore;
  beforeEach(async () => {
    place = await implementation.createPlace();
    control = await place.openControl();
  });
  afterEach(async () => {
    await control.close();
    await place.dispose();
  });

  it('has one order for rows of several writers, and shows what was changed', async () => {
    const other = implementation.name === 'SQLite' ? control : await place.openControl();
    const add = (store: ControlStore, detail: string) => store.addAudit({ at: 1, actor: 'a \u0000', action: 'b', detail });
    await Promise.all(Array.from({ length: 20 }, (_none, index) => add(index % 2 === 0 ? control : other, String(index))));
    if (other !== control) await other.close();
    expect(await verifyChain(control.auditChain)).toMatchObject({ intact: true, rows: 20, uncovered: 0 });
    await place.execute('control', "UPDATE audit SET detail = 'x' WHERE id = 5; DELETE FROM audit WHERE id = 9");
    expect(found(await verifyChain(control.auditChain))).toEqual(['changed 5', 'missing 9']);
  });
});
