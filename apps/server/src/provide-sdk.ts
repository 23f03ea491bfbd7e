/** Alone, because whoever loads a connector needs nothing else of the host. */
export { provideSdk } from '@landbridge/engine/provide-sdk';
