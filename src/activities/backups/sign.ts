/**
 * Signatures of manifests: Ed25519 over the exact bytes, kept beside them as base64. A person can check one without us:
 * `openssl pkeyutl -verify -rawin -pubin -inkey KEY.pem -in manifest.json -sigfile <(base64 -d manifest.json.sig)`.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { failure } from '../failures.ts';

/** The signature as it is stored. `pem`: the private key. Failure `ConfigurationError` when it is no Ed25519 key. */
export function signBytes(bytes: Uint8Array, pem: string): string {
  const key = ed25519(() => createPrivateKey(pem), 'the private key of backup.signing');
  return `${sign(null, bytes, key).toString('base64')}\n`;
}

/** Whether one of the trusted public keys (paths of PEM files) made this signature of these bytes. */
export async function isSignedBy(
  bytes: Uint8Array,
  signature: string,
  trustedKeys: readonly string[],
): Promise<boolean> {
  const decoded = Buffer.from(signature.trim(), 'base64');
  for (const file of trustedKeys) {
    const pem = await readFile(file, 'utf8').catch((error: unknown) => {
      throw failure('ConfigurationError', {
        what: `The trusted key ${file} of backup.signing cannot be read: ${(error as Error).message}.`,
        hint: 'Correct backup.signing.trustedKeys in the inventory, or put the file in its place.',
        cause: error,
      });
    });
    // A private key would do as well, and has no business being where backups are read.
    if (pem.includes('PRIVATE KEY')) throw notAKey(`the trusted key ${file} (it is a private key)`);
    if (
      verify(
        null,
        bytes,
        ed25519(() => createPublicKey(pem), `the trusted key ${file}`),
        decoded,
      )
    )
      return true;
  }
  return false;
}

function ed25519(read: () => KeyObject, name: string): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch (error) {
    // The library's message may quote the key: it is not passed on.
    throw notAKey(name, (error as NodeJS.ErrnoException).code);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw notAKey(name, key.asymmetricKeyType);
  return key;
}

function notAKey(name: string, detail?: string) {
  return failure('ConfigurationError', {
    what: `Not usable as an Ed25519 key in PEM: ${name}${detail ? ` (${detail})` : ''}.`,
    hint: 'Make a pair with `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`.',
    retryable: false,
  });
}
