import { type ConnectorErrorData, connectorErrors } from '@landbridge/connector-sdk';
import { ScimError } from '@landbridge/scim';
import { qualifiedName } from './resources/binding.ts';
import type { ResourceModel } from './resources/resource-model.ts';
import type { WriteAnswer } from './writes/planned-write.ts';

/** Seconds after which a client may ask again about a write that is not decided yet. */
const RETRY_AFTER_SECONDS = 5;

/** Seconds after which a client asks again about a write that waits for an administrator. */
const HELD_RETRY_AFTER_SECONDS = 900;

/** The SCIM error of a connector's error: the one table of R19 decides. */
export function scimErrorOf(error: ConnectorErrorData): ScimError {
  const row = connectorErrors[error.code];
  // An unknown failure may be the host's own (a full disk): nothing is claimed about the application.
  const detail = row.status === 503 && error.code !== 'unknown' ? `The application is not available: ${error.message}` : error.message;
  const scimType = 'scimType' in row ? row.scimType : undefined;
  return new ScimError(row.status, detail, {
    ...(scimType === undefined ? {} : { scimType }),
    ...(row.status === 503 || row.status === 429 ? { retryAfter: error.detail?.retryAfter ?? RETRY_AFTER_SECONDS } : {}),
  });
}

/** 503 with Retry-After: the write goes on, or an earlier one is in doubt (R14, R16). Never "not found". */
export function undecided(detail: string): ScimError {
  return new ScimError(503, detail, { retryAfter: RETRY_AFTER_SECONDS });
}

/** What clients call an attribute of the application: an administrator reads the message beside the client's mapping (S-205). */
function shownName(attribute: string, model: Pick<ResourceModel, 'writers'>): string {
  const binding = model.writers.get(attribute);
  if (binding === undefined) return attribute;
  return `${qualifiedName(binding)}${binding.sub === undefined ? '' : `.${binding.sub}`}`;
}

/** Turns the answer of a write that was not applied into an error; returns normally for one that was. */
export function throwUnlessApplied(answer: WriteAnswer, model: Pick<ResourceModel, 'writers'>): asserts answer is Extract<WriteAnswer, { status: 'applied' }> {
  switch (answer.status) {
    case 'applied':
      return;
    case 'refused':
      throw scimErrorOf(answer.error);
    case 'claimed':
      if (answer.inDoubt) throw undecided(`another write with the same value of "${shownName(answer.claim.attribute, model)}" is not decided yet`);
      throw new ScimError(409, `the value of "${shownName(answer.claim.attribute, model)}" is taken by another resource`, { scimType: 'uniqueness' });
    case 'conflict':
      throw new ScimError(412, 'the resource changed since it was read');
    case 'gone':
      throw new ScimError(404, 'there is no such resource');
    case 'in-doubt':
      throw undecided('an earlier write to this resource is not decided yet');
    case 'held':
      // 429 is what provisioning services back off from and repeat, without counting it against the resource.
      throw new ScimError(
        429,
        `more deletes or disables than usual: this one waits for an administrator (landbridge journal approve, write ${answer.journalId}); nothing has changed`,
        { retryAfter: HELD_RETRY_AFTER_SECONDS },
      );
  }
}
