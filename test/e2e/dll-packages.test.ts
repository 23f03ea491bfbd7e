import { describe, expect, it } from 'vitest';
import { monoPrograms } from '../../tools/backends.ts';
import { formatUpdateReport, updateUnderLoad } from '../fixtures/update-under-load.ts';

/** R28 with a compiled connector. `npm run bench -- update` does the same with 200 requests a second. */
describe.skipIf(monoPrograms() === undefined)('R28 a DLL is updated and taken back under load', { timeout: 180_000 }, () => {
  it('no request fails for good, nothing is lost, nothing is created twice', async () => {
    const report = await updateUnderLoad({ perSecond: 30, quietSeconds: 1 });
    process.stdout.write(`${formatUpdateReport(report)}\n`);
    expect(report.versions.update).toContain('1.0.0.0 → 2.0.0.0; handed over: people');
    expect(report.versions.rollback).toContain('2.0.0.0 → 1.0.0.0');
    expect(report).toMatchObject({ failed: [], lost: [], doubled: [], succeeded: report.sent });
    expect(report.created).toBeGreaterThan(10);
  });
});
