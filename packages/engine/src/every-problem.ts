import { ConnectorError } from '@landbridge/connector-sdk';

/**
 * Makes something of each value, and looks at all of them before it gives up: whoever mends a configuration learns of everything at
 * once, one line each.
 *
 * @throws ConnectorError `invalid-configuration` with every reason; any other error as it is.
 */
export function everyProblem<Value, Made>(values: readonly Value[], make: (value: Value) => Made): Made[] {
  const problems = new Set<string>();
  const made = values.flatMap((value) => {
    try {
      return [make(value)];
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.code !== 'invalid-configuration') throw error;
      for (const line of error.message.split('\n')) problems.add(line);
      return [];
    }
  });
  if (problems.size > 0) throw new ConnectorError('invalid-configuration', [...problems].join('\n'));
  return made;
}
