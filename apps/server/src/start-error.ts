/** A configuration or start that cannot be; the message is for a person, problems a line each. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
