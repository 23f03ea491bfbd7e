import { CommandError, exitCode } from './admin-client.ts';

/** Reads a value from standard input: all of it, without the line break at its end; on a terminal one line that is not shown. */
export async function readSecretValue(name: string): Promise<string> {
  if (process.stdin.isTTY) return readHidden(`value of ${name} (not shown): `);
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const part of process.stdin) text += String(part);
  return text.replace(/\r?\n$/, '');
}

function readHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (part: string): void => {
      for (const key of part) {
        if (key === '\r' || key === '\n' || key === '\u0004') return end(() => resolve(text));
        if (key === '\u0003') return end(() => reject(new CommandError(exitCode.failed, 'nothing was stored')));
        text = key === '\u007f' || key === '\b' ? text.slice(0, -1) : text + key;
      }
    };
    const end = (done: () => void): void => {
      stdin.off('data', take).setRawMode(false).pause();
      stderr.write('\n');
      done();
    };
    stdin.on('data', take);
  });
}
