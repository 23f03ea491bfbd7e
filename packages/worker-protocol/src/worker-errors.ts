import { ConnectorError, type ConnectorErrorCode, type ConnectorErrorData, connectorErrors, isConnectorErrorCode } from '@landbridge/connector-sdk';

/** An error as a worker sends it: a code of the table, or the name of an ECMA2 exception or result code. */
export interface WireErrorData {
  readonly code?: string;
  readonly ecma2?: string;
  readonly message?: string;
  readonly attribute?: string;
  readonly parameter?: string;
  readonly retryAfter?: number;
  /** For the log alone. */
  readonly internal?: string;
}

const byName = new Map<string, ConnectorErrorCode>(
  (Object.keys(connectorErrors) as ConnectorErrorCode[]).flatMap((code) => connectorErrors[code].ecma2.map((name) => [name, code] as const)),
);

/** The code of an ECMA2 name; `unknown` for every name and number that the table lacks (R19). */
function codeOfEcma2(name: string): ConnectorErrorCode {
  return byName.get(name) ?? 'unknown';
}

/** What a worker sent, as an error of the contract. `redact` takes secrets out of every text. */
export function readWireError(wire: WireErrorData, redact: (text: string) => string): ConnectorErrorData {
  const code = isConnectorErrorCode(wire.code) ? wire.code : wire.ecma2 === undefined ? 'unknown' : codeOfEcma2(wire.ecma2);
  const detail = {
    ...(wire.attribute === undefined ? {} : { attribute: wire.attribute }),
    ...(wire.parameter === undefined ? {} : { parameter: wire.parameter }),
    ...(wire.retryAfter === undefined ? {} : { retryAfter: wire.retryAfter }),
    ...(wire.internal === undefined ? {} : { internal: redact(wire.internal) }),
  };
  return { code, message: redact(wire.message ?? 'the connector failed without a message'), ...(Object.keys(detail).length === 0 ? {} : { detail }) };
}

/** The same as something to throw. */
export function toWireError(wire: WireErrorData, redact: (text: string) => string): ConnectorError {
  const { code, message, detail } = readWireError(wire, redact);
  return new ConnectorError(code, message, detail);
}
