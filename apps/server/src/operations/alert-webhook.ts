import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import type { AlertsDocument } from '../configuration/alerts-document.ts';
import { resolveReferences, type SecretReader } from '../configuration/parse-configuration.ts';
import { createEgressClient } from '../egress/egress-client.ts';
import { receiverAddress } from '../secrets/secret-destinations.ts';
import type { Alert } from './alerts.ts';

/** Posts an alert as JSON to the webhook, if there is one. @throws Error when it is not taken. */
export async function postAlert(
  { webhook, egress }: AlertsDocument,
  folder: string,
  secrets: (destination: string) => SecretReader,
  alert: Alert,
): Promise<void> {
  if (webhook === undefined) return;
  const { url, authorization, ca } = webhook;
  const client = createEgressClient({
    allow: egress ?? [],
    ca: ca === undefined ? undefined : readFileSync(isAbsolute(ca) ? ca : resolve(folder, ca), 'utf8'),
    milliseconds: 10_000,
    maximumBytes: 64 * 1024,
  });
  try {
    const { status } = await client.send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(authorization === undefined ? {} : { authorization: resolveReferences(authorization, folder, secrets(receiverAddress(webhook))) }),
      },
      body: JSON.stringify(alert),
    });
    if (status < 200 || status >= 300) throw new Error(`the webhook of alerts answered ${status}`);
  } finally {
    await client.close();
  }
}
