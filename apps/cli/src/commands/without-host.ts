import type { ConnectorContext } from '@landbridge/connector-sdk';

/** What commands need that ask a package in this process, without a host. */

const silent = (): void => {};

/** Connectors that are asked for something once tell nobody. */
export const silentLog: ConnectorContext['log'] = { debug: silent, info: silent, warn: silent, error: silent };

/** A value that stands elsewhere: `${env:…}`, `${file:…}`, `${secret:…}`. */
export const reference = /\$\{(?:env|file|secret):[^}\r\n]+\}/;
