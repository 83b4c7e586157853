/** From a reference in an inventory to the secret itself: inside the activity that needs it, never sooner. */
import { readFile } from 'node:fs/promises';
import { failure } from './failures.ts';

/** A secret is a line or a key file; anything larger is the wrong file. */
const longestSecret = 64 * 1024;

/**
 * The secret that a reference stands for. One line break at the end of a file is not part of it. Failure
 * `ConfigurationError`, which names the reference and never the secret, when it cannot be had here.
 */
export async function resolveSecret(reference: string): Promise<string> {
  const colon = reference.indexOf(':');
  const kind = reference.slice(0, colon);
  const place = reference.slice(colon + 1);
  switch (kind) {
    case 'env':
      return fromEnvironment(place);
    case 'file':
      return await fromFile(place);
    case 'k8s':
    case 'vault':
      throw unavailable(
        `The secret ${reference} cannot be read: this worker has no support for ${kind}: references yet`,
        'Mount or export the secret where the worker runs, and write file:/path or env:NAME in the inventory.',
      );
    default:
      // The text itself may be a secret that was written where a reference belongs: it is not repeated.
      throw unavailable(
        'A secret reference is none of env:, file:, k8s: and vault:',
        'Write where the secret is found.',
      );
  }
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value) return value;
  throw unavailable(
    `The secret env:${name} is ${value === undefined ? 'not set' : 'empty'} in the worker's environment`,
    `Set ${name} where the worker is started, and start the worker again.`,
  );
}

async function fromFile(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw unavailable(
      `The secret file ${file} cannot be read (${code})`,
      'The worker’s account must be able to read it.',
    );
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw unavailable(`The secret file ${file} is empty`, 'Write the secret into it.');
  if (secret.length > longestSecret)
    throw unavailable(`The secret file ${file} is longer than 64 KiB`, 'Is it the right file?');
  return secret;
}

function unavailable(what: string, hint: string): Error {
  return failure('ConfigurationError', { what: `${what}.`, hint, retryable: false });
}
