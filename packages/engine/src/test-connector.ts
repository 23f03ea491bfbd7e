import { ConnectorError, type Schema, type TestResult, toErrorData } from '@landbridge/connector-sdk';
import type { ConnectorHandle } from './connector-host/connector-handle.ts';

/**
 * The layers of a connector's own test and, where all of them passed, one more: whether the application still has what the connector was
 * opened with. A connector tests what it finds; that a column is gone which clients are served from is known here alone.
 */
export async function* testConnector(
  handle: Pick<ConnectorHandle, 'describe' | 'test'>,
  opened: Schema,
  select: (schema: Schema) => Schema,
): AsyncGenerator<TestResult> {
  for await (const result of handle.test()) {
    yield result;
    if (result.status === 'failed') return;
  }
  const started = performance.now();
  try {
    requireAll(opened, select((await handle.describe()).schema));
  } catch (error) {
    yield { layer: 'schema', status: 'failed', message: toErrorData(error).message, milliseconds: Math.round(performance.now() - started) };
  }
}

function requireAll(opened: Schema, now: Schema): void {
  const missing = opened.objectTypes.flatMap((type) => {
    const there = new Set(now.objectTypes.find((one) => one.name === type.name)?.attributes.map((attribute) => attribute.name));
    const names = type.attributes.filter(({ name }) => !there.has(name)).map(({ name }) => `"${name}"`);
    return names.length === 0 ? [] : [`"${type.name}" has no ${names.join(', ')} any more`];
  });
  if (missing.length > 0)
    throw new ConnectorError(
      'invalid-schema',
      `the object type ${missing.join('; ')}: it was dropped or renamed in the application; correct the configuration and apply it, or restart the host to go on without`,
    );
}
