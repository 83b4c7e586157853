/** Takes secrets out of text before it reaches a log, a message or history. */

const mask = '***';
/** Shorter fragments would hit innocent text. A secret itself is masked however short it is. */
const shortestFragment = 6;
const shortestLine = 12;

/**
 * `text` with every secret replaced by `***`: as it is, line by line if it has several, URL-encoded, escaped as in JSON, and
 * in base64 (both alphabets), alone or within longer encoded text at any of the three alignments.
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  const variants = variantsOf(secrets);
  if (variants.length === 0 || text === '') return text;
  return text.replace(new RegExp(variants.map(escapeForRegExp).join('|'), 'g'), mask);
}

/** The length of the longest form in which a secret can appear. */
export function longestVariant(secrets: readonly string[] = []): number {
  return variantsOf(secrets)[0]?.length ?? 0;
}

function variantsOf(secrets: readonly string[]): string[] {
  const variants = new Set<string>();
  for (const secret of secrets) {
    if (secret === '') continue;
    for (const literal of literalForms(secret)) {
      variants.add(literal);
      for (const encoded of encodedForms(literal))
        if (encoded.length >= shortestFragment) variants.add(encoded);
    }
  }
  // Longest first: the whole before a part of it.
  return [...variants].sort((a, b) => b.length - a.length);
}

function literalForms(secret: string): string[] {
  const trimmed = secret.trim();
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= shortestLine);
  return [secret, ...(trimmed === '' ? [] : [trimmed]), ...lines];
}

function encodedForms(text: string): string[] {
  const url = urlEncoded(text);
  const forms = [url, url.replaceAll('%20', '+'), url.toLowerCase(), JSON.stringify(text).slice(1, -1)];
  for (const form of base64Forms(text)) forms.push(form, form.replaceAll('+', '-').replaceAll('/', '_'));
  return forms;
}

function urlEncoded(text: string): string {
  // A lone surrogate has no URL encoding; encodeURIComponent would throw.
  return encodeURIComponent(text.toWellFormed());
}

/** Whole; and at each alignment the characters that depend on nothing but the secret. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  const forms = [bytes.toString('base64'), bytes.toString('base64').replace(/=+$/, '')];
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const head = before === 0 ? 0 : before + 1;
    const tail = (before + bytes.length) % 3 === 0 ? 0 : 1;
    forms.push(encoded.slice(head, encoded.length - tail));
  }
  return forms;
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
