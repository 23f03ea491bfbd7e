import { parseArgs } from 'node:util';
import { formatUpdateReport, updateUnderLoad } from '../test/fixtures/update-under-load.ts';
import { aim, printAims } from './report.ts';

/** `npm run bench -- update [--rate 200] [--seconds 5] [--json]`: a compiled connector is updated and taken back while clients send so many requests a second. */
const { values } = parseArgs({
  options: { rate: { type: 'string', default: '200' }, seconds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const report = await updateUnderLoad({ perSecond: Number(values.rate), quietSeconds: Number(values.seconds) });
const aims = [
  aim('requests that failed for good', report.failed.length, 'most', 0, ''),
  aim('answered creates that are not in the application', report.lost.length, 'most', 0, ''),
  aim('objects created twice', report.doubled.length, 'most', 0, ''),
];
if (values.json) process.stdout.write(`${JSON.stringify({ ...report, aims })}\n`);
else {
  process.stdout.write(`${report.versions.update}\n${report.versions.rollback}\n${formatUpdateReport(report)}\n`);
  printAims(aims, (line) => void process.stdout.write(`${line}\n`));
}
