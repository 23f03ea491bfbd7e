import { registerHooks } from 'node:module';

const NAME = '@landbridge/connector-sdk';
let provided = false;

/**
 * From here on a module that this process loads finds `@landbridge/connector-sdk` wherever it lies: a connector is a file of its
 * own, without an installation beside it. It gets this copy and no other, so that an error is the same error on both sides.
 */
export function provideSdk(): void {
  if (provided) return;
  provided = true;
  const url = import.meta.resolve(NAME);
  registerHooks({
    resolve: (specifier, context, nextResolve) => (specifier === NAME ? { url, shortCircuit: true } : nextResolve(specifier, context)),
  });
}
