/** `@landbridge/store`: what must not be lost. Interfaces first; `sqlite/` is the embedded implementation. */
export * from './connector-store.ts';
export * from './control-store.ts';
export * from './crash-points.ts';
