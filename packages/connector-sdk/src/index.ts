/** `@landbridge/connector-sdk`: the connector contract. It depends on nothing and does no I/O. */
export * from './capabilities.ts';
export * from './connector.ts';
export * from './errors.ts';
export * from './filter.ts';
export * from './parameters.ts';
export * from './schema.ts';
export * from './values.ts';
