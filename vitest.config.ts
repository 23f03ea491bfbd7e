import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Threads and processes that tests start compile nothing again: that was half of what the tests cost. Vitest itself hands it on.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, 'node_modules/.cache/landbridge');

export default defineConfig({
  test: {
    // Tests wait for servers and processes half of the time. Vitest leaves a processor free, which of two makes one test after the other.
    maxWorkers: Math.max(2, availableParallelism()),
    include: ['packages/**/*.test.ts', 'connectors/**/*.test.ts', 'apps/**/*.test.ts', 'tools/**/*.test.ts', 'test/**/*.test.ts'],
    // A machine with other work is slow, and no test is wrong for that; what hangs is ended all the same.
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
});
