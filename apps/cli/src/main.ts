import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { join } from 'node:path';

// What the engine compiled is kept beside the dependencies, so that a command starts in half the time. Where that may not be written, nothing is kept.
const cache = join(import.meta.dirname, '../../../node_modules/.cache/landbridge');
enableCompileCache(cache);
// The threads of a host find it by this variable: each of its connectors starts two or three.
if (getCompileCacheDir() !== undefined) process.env['NODE_COMPILE_CACHE'] ??= cache;

// `landbridge audit list | head` stops reading, and so may whoever started a host: what is not read is not written, and the work goes on.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

const { runProgram } = await import('./commands/program.ts');
await runProgram(process.argv.slice(2));
