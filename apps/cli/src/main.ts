import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// What the engine compiled is kept beside the dependencies, so that a command starts in half the time. Where that may not be written, nothing is kept.
enableCompileCache(join(import.meta.dirname, '../../../node_modules/.cache/landbridge'));

const { runProgram } = await import('./commands/program.ts');
await runProgram(process.argv.slice(2));
