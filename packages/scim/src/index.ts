/** `@landbridge/scim`: SCIM 2.0 as pure functions. It depends on nothing and does no I/O. */
export * from './bulk.ts';
export * from './core-schemas.ts';
export * from './discovery.ts';
export * from './errors.ts';
export * from './etag.ts';
export * from './evaluate.ts';
export * from './filter.ts';
export * from './json.ts';
export * from './list-query.ts';
export * from './opaque.ts';
export * from './patch.ts';
export * from './path.ts';
export * from './profiles.ts';
export * from './project.ts';
export * from './replace.ts';
export * from './schema.ts';
export * from './validate.ts';
