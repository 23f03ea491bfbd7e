import { type CompiledObjectType, ConnectorError, decodeValue, type EncodedValue, messageOf, type SchemaAttribute } from '@landbridge/connector-sdk';
import type { ConnectorConfiguration, DeprovisioningFlow } from './configuration.ts';
import { everyProblem } from './every-problem.ts';
import type { EntryDelta } from './writes/plan-write.ts';

type SetFlow = Extract<DeprovisioningFlow, { action: 'set' }>;

/** The values of a flow, in the application's terms. */
export function deltaOfFlow(objectType: CompiledObjectType, flow: SetFlow): EntryDelta {
  const set: Record<string, EncodedValue> = {};
  const unset: string[] = [];
  for (const [name, value] of Object.entries(flow.values)) {
    if (value === null) unset.push(name);
    else set[name] = encodeFlowValue(objectType.attributes.get(name), value);
  }
  return { set, unset, references: [] };
}

/**
 * Whether what disable and delete write are values of their attributes: a client would be refused, and the account stay as it is.
 *
 * @throws ConnectorError `invalid-configuration` naming the attribute.
 */
export function checkFlows({ deprovisioning }: Pick<ConnectorConfiguration, 'deprovisioning'>, objectTypes: ReadonlyMap<string, CompiledObjectType>): void {
  const flows = (['disable', 'delete'] as const).flatMap((when) => {
    const flow = deprovisioning[when];
    return flow.action === 'set' ? Object.entries(flow.values).map(([name, value]) => ({ where: `deprovisioning.${when}.set.${name}`, name, value })) : [];
  });
  everyProblem(flows, ({ where, name, value }) => {
    const attributes = [...objectTypes.values()].flatMap((type) => type.attributes.get(name) ?? []);
    if (attributes.length === 0) throw new ConnectorError('invalid-configuration', `${where}: no object type has the attribute "${name}"`);
    for (const attribute of value === null ? [] : attributes) {
      try {
        decodeValue(attribute.type, encodeFlowValue(attribute, value));
      } catch (error) {
        throw new ConnectorError('invalid-configuration', `${where}: the attribute is of type ${attribute.type}, and the value is not`, {
          attribute: name,
          internal: messageOf(error),
        });
      }
    }
  });
}

function encodeFlowValue(attribute: SchemaAttribute | undefined, value: SetFlow['values'][string]): EncodedValue {
  const text = String(value);
  return attribute?.type === 'boolean' && (text === 'true' || text === 'false') ? text === 'true' : text;
}
