import { type Finding, type Grade, gradeTexts, type Inspection } from '@landbridge/package-store';
import { style, table } from '../output.ts';

/** An inspection for a person: what it is, where it runs, what it lacks. */
export function formatInspection(inspection: Inspection): string {
  const parts: string[] = [];
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) parts.push(`${style.bold(title)}\n${lines.join('\n')}`);
  };
  parts.push(
    inspection.kind === 'module'
      ? `${style.good('✓')} a connector module: ${inspection.entry ?? ''}`
      : `${paint(inspection.grade)(inspection.grade === 'unusable' ? '✗' : '✓')} ${inspection.kind === 'ecma2' ? 'an ECMA2 connector' : 'no connector'}: ${paint(inspection.grade)(gradeTexts[inspection.grade])}${inspection.missing.length > 0 && inspection.grade !== 'unusable' ? style.warn(', once what is missing is there') : ''}`,
  );
  section(
    'Connectors',
    inspection.connectors.map((one) => `  ${one.className} in ${one.file}: ${one.interfaces.join(', ')}`),
  );
  section('What decides where it runs', formatFindings(inspection.findings));
  section(
    'Cannot be read',
    inspection.unreadable.map((one) => `  ${style.bad('✗')} ${one.file}: ${one.reason}`),
  );
  if (inspection.assemblies.length > 0)
    parts.push(
      table(
        ['file', 'assembly', 'version', 'built for', 'bits'],
        inspection.assemblies.map((one) => [one.file, one.native ? '(native)' : one.name, one.version, one.targetFramework, one.bitness]),
      ),
    );
  return parts.join('\n\n');
}

/** What was found, a line each. What runs on Mono decides nothing: it is there to be read. */
export function formatFindings(findings: readonly Finding[]): readonly string[] {
  return findings.map(
    (one) => `  ${paint(one.grade)('•')} ${one.what} (${one.where}): ${one.advice}${one.grade === 'mono' ? '' : ` [${gradeTexts[one.grade]}]`}`,
  );
}

function paint(grade: Grade): (text: string) => string {
  return grade === 'mono' ? style.good : grade === 'unusable' ? style.bad : style.warn;
}
