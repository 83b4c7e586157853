/** Secrets written where a reference belongs, or where they do not belong at all: never repeated. */
import type { Case } from './case.ts';

export const secrets: Case[] = [
  {
    title: 'a password',
    replace: 'database: d',
    by: 'database: d, password: hunter2',
    says: [
      'systems/small.yaml:15:89  stores.main.password',
      '  found: "…" (a literal; 7 characters)   expected: a reference (env:NAME, file:/path, k8s:secret/key or vault:path#field), never the secret itself',
      '  hint: Where a secret is found: env:NAME, file:/path, k8s:secret/key, vault:path#field. Never the secret itself.',
    ],
  },
  {
    title: 'a password of digits',
    replace: 'database: d',
    by: 'database: d, password: 314159',
    says: [
      'systems/small.yaml:15:89  stores.main.password',
      '  found: "…" (a literal; 6 characters)   expected: a reference (env:NAME, file:/path, k8s:secret/key or vault:path#field), never the secret itself',
      '  hint: Where a secret is found: env:NAME, file:/path, k8s:secret/key, vault:path#field. Never the secret itself.',
    ],
  },
  {
    title: 'a webhook',
    replace: 'webhook: env:HOOK',
    by: 'webhook: https://hooks.example/T0/hunter2',
    says: [
      'systems/small.yaml:21:44  people.channels.ops.webhook',
      '  found: "…" (a literal; 32 characters)   expected: a reference (env:NAME, file:/path, k8s:secret/key or vault:path#field), never the secret itself',
      '  hint: The incoming webhook: its address is a secret.',
    ],
  },
  {
    title: 'a connection string as the host',
    replace: 'host: 127.0.0.1',
    by: "host: 'postgres://u:hunter2@db'",
    says: [
      'systems/small.yaml:15:46  stores.main.host',
      '  found: "…" (a literal; 23 characters)   expected: a host name, an address, or the directory of a socket',
      '  hint: A host name, an address, or (PostgreSQL) the directory of a Unix socket.',
    ],
  },
  {
    title: 'a connection string as the database',
    replace: 'database: d',
    by: 'database: host=db password=hunter2',
    says: [
      'systems/small.yaml:15:76  stores.main.database',
      '  found: "…" (a literal; 24 characters)   expected: a plain name of at most 63 characters: letters, digits, _ and -',
      '  hint: The name of a database or a user: never a connection string.',
    ],
  },
  {
    title: 'a password in a variable',
    replace: 'command: [api]',
    by: 'command: [api], environment: { DB_PASSWORD: 271828 }',
    says: [
      'systems/small.yaml:12:76  services.api.platform.environment.DB_PASSWORD',
      '  found: "…" (a literal; 6 characters)   expected: text of at most 4096 characters',
      '  hint: Put it in quotes: it is meant as text.',
    ],
  },
  {
    title: 'the path of a bad address',
    replace: "url: 'http://127.0.0.1:1/'",
    by: "url: 'htps://hooks.example/T0/hunter2'",
    says: [
      'systems/small.yaml:13:28  services.api.health.http.url',
      '  found: "htps://hooks.example/…"   expected: an http or https address',
    ],
  },
  {
    title: 'a private key as a recipient',
    replace: '  signing:',
    by: '  encryption: { recipients: [AGE-SECRET-KEY-1HUNTER2] }\n  signing:',
    says: [
      'systems/small.yaml:19:30  backup.encryption.recipients[0]',
      '  found: "…" (a literal; 23 characters)   expected: an age recipient (a public key): age1 and 58 characters',
    ],
  },
];
