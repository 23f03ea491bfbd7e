import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '@landbridge/connector-sdk';
import { allChecks, type CheckResult, connectScim, createKit, formatReport, runChecks, summarize } from '@landbridge/scim-testkit';
import type { Command } from 'commander';
import { CommandError, exitCode } from '../admin-client.ts';
import { style } from '../output.ts';
import { example, readText } from './command.ts';

interface CheckOptions {
  readonly token?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly profile: string;
  readonly only?: string;
  readonly user?: string;
  readonly report?: string;
  readonly json?: boolean;
}

/** Commands about any SCIM service, ours or another one. */
export function addScimCommands(program: Command): void {
  const scim = program.command('scim').description('Look at a SCIM service from outside.');
  example(
    scim
      .command('check <url>')
      .description('Check a SCIM 2.0 service against the RFCs and what clients need. It creates users and groups of its own and deletes them.')
      .option('--token <token>', 'bearer token (default: the environment variable SCIM_TOKEN)')
      .option('--token-file <file>', 'file that holds the token')
      .option('--ca <file>', 'certificates of an authority that the system does not know, PEM')
      .option('--profile <dialect>', 'the dialect the service speaks: lenient or strict', 'lenient')
      .option('--only <text>', 'checks whose title contains the text, such as S-188 or cursor')
      .option('--user <json>', 'attributes that every user needs here, as JSON')
      .option('--report <file>', 'write the JSON report to a file as well')
      .option('--json', 'print the report as JSON'),
    'landbridge scim check https://localhost:8443/scim/hr --ca .landbridge/ca.crt --token "$TOKEN"',
    'landbridge scim check https://scim.example.com/v2 --only S-188 --json',
  ).action(check);
}

/** @throws CommandError exit 1 when something fails that the RFCs demand. */
async function check(url: string, options: CheckOptions): Promise<void> {
  const { profile } = options;
  if (profile !== 'lenient' && profile !== 'strict') throw new CommandError(exitCode.usage, `there is no dialect "${profile}"; there are lenient and strict`);
  if (!/^https?:\/\//i.test(url)) throw new CommandError(exitCode.usage, `"${url}" is not a URL; it begins with https://`);
  const connection = connectScim({ baseUrl: url, token: tokenOf(options), ...(options.ca === undefined ? {} : { ca: readText(options.ca) }) });
  try {
    const kit = await createKit(connection, { profile, ...(options.user === undefined ? {} : { userTemplate: parseUser(options.user) }) });
    const checks = allChecks.filter((one) => options.only === undefined || one.title.toLowerCase().includes(options.only.toLowerCase()));
    const results: CheckResult[] = [];
    for await (const result of runChecks(kit, checks)) {
      results.push(result);
      if (options.json !== true) process.stdout.write(`${MARKS[result.result]} ${result.title}\n`);
    }
    const report = summarize(connection.baseUrl, profile, new Date(), results);
    if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(report, null, 2)}\n`);
    process.stdout.write(options.json === true ? `${JSON.stringify(report)}\n` : `\n${formatReport(report)}`);
    if (report.failedRequired > 0) process.exitCode = exitCode.failed;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(exitCode.failed, `${url} cannot be checked: ${messageOf(error)}`, HINT);
  } finally {
    await connection.close();
  }
}

const MARKS: Readonly<Record<CheckResult['result'], string>> = { passed: style.good('✓'), failed: style.bad('✗'), skipped: style.dim('-') };
const HINT = 'look at the URL (the folder above /Users), the token, and for a certificate of your own --ca FILE';

function tokenOf(options: CheckOptions): string {
  if (options.token !== undefined) return options.token;
  if (options.tokenFile !== undefined) return readText(options.tokenFile).trim();
  const token = process.env['SCIM_TOKEN'];
  if (token === undefined || token === '')
    throw new CommandError(exitCode.usage, 'a token is needed', 'give --token, --token-file, or the environment variable SCIM_TOKEN');
  return token;
}

function parseUser(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text.startsWith('@') ? readFileSync(text.slice(1), 'utf8') : text);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Told below, with what is expected.
  }
  throw new CommandError(exitCode.usage, '--user is not a JSON object');
}
