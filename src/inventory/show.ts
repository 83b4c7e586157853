/** How a value found in a file is shown in a problem: on one line, bounded, and never if it might be a secret. */

const limit = 80;

/** The last name on the way to a value that gives it away as a secret. */
const secretName =
  /pass(?:word|wd|phrase)?|secret|token|credential|private|api[-_]?key|access[-_]?key|webhook/i;

const secretText = [
  /-----BEGIN/,
  /(?:pass(?:word|wd|phrase)?|secret|token|credential|api[-_]?key|access[-_]?key|authorization|bearer)['"]?\s*[=:\s]/i,
  /\/\/[^/]*@/, // user:password@host
  /AGE-SECRET-KEY-|AKIA[A-Z0-9]{12}|xox[a-z]-|gh[a-z]_\w{16}|\bsk-\w|\beyJ[\w-]{10}/,
  // Long runs as keys and tokens have them; words joined by hyphens (names) and paths are none.
  /(?=[A-Za-z0-9]*\d)(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{24,}/,
  /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+][A-Za-z0-9+/=]{31,}$/,
  /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/i,
];

/** True when the name or the text itself says that this should not be repeated. */
export function mayBeSecret(text: string, path: readonly (string | number)[] = []): boolean {
  const name = path.findLast((part) => typeof part === 'string');
  return (name !== undefined && secretName.test(name)) || secretText.some((pattern) => pattern.test(text));
}

export function show(value: unknown, path: readonly (string | number)[] = [], secret = false): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${items(value.length)}`;
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- no object is left
  const text = String(value);
  if (secret || mayBeSecret(text, path)) return `"…" (a literal; ${text.length} characters)`;
  if (typeof value !== 'string') return text;
  // The path of an address can be a secret (incoming webhooks): the scheme and the host are enough to find it by.
  const address = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)[/?#]./i.exec(text);
  if (address) return JSON.stringify(bound(`${address[1]}/…`));
  return JSON.stringify(bound(text));
}

function bound(text: string): string {
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

function items(count: number): string {
  return count === 1 ? '1 item' : `${count} items`;
}
