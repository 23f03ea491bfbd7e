import { exitCode } from './admin-client.ts';
import { type CommonOptions, style } from './output.ts';

/** One layer of a connection test. */
export interface TestLine {
  readonly layer: string;
  readonly status: string;
  readonly message: string;
  readonly milliseconds: number;
}

/** Shows the layers of a connection test as they pass or fail. */
export async function showTest(options: CommonOptions, lines: AsyncIterable<TestLine>): Promise<void> {
  const all: TestLine[] = [];
  for await (const line of lines) {
    all.push(line);
    const mark = line.status === 'passed' ? style.good('✓') : line.status === 'failed' ? style.bad('✗') : style.dim('-');
    if (!options.json)
      process.stdout.write(
        `${mark} ${line.layer.padEnd(16)} ${line.message.replaceAll('\n', `\n${' '.repeat(19)}`)} ${style.dim(`${line.milliseconds} ms`)}\n`,
      );
  }
  if (options.json) process.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
  if (all.some((line) => line.status === 'failed')) process.exitCode = exitCode.failed;
}
