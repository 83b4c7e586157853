/** A PostgreSQL cluster of a test file's own, a shop with every kind of table, and a way to back it up and restore it. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { expect } from 'vitest';
import { type ComponentRecord, keys } from '../../src/activities/backups/manifest.ts';
import { signBytes } from '../../src/activities/backups/sign.ts';
import type { Done } from '../../src/activities/call.ts';
import type { Observation } from '../../src/activities/mutation.ts';
import type {
  DumpRequest,
  Replacement,
  RestoreRequest,
  StoreRequest,
  Work,
} from '../../src/activities/stores/contract.ts';
import { postgresKind } from '../../src/activities/stores/postgres/index.ts';
import { backup as backupSchema } from '../../src/inventory/schema/backup.ts';
import { postgresStore } from '../../src/inventory/schema/store.ts';
import type { PostgresServer } from '../support/servers.ts';

export const system = 'shop';
export const password = `p@ss '"\\ ${randomBytes(9).toString('base64url')}`;

export interface Bench {
  server: PostgresServer;
  directory: string;
  /** One request of one database: each test has a database of its own. */
  request(database: string, more?: Record<string, unknown>): StoreRequest;
  backup: DumpRequest['backup'];
  unsigned: DumpRequest['backup'];
  privateKey: string;
}

/** Effects as the activities run them, without Temporal around them. */
export async function perform<Request, Result>(
  effect: {
    observe(request: Request, work: Work): Promise<Observation<Result>>;
    act(request: Request, work: Work): Promise<Result>;
  },
  request: Request,
  work: Work,
): Promise<Done<Result>> {
  const seen = await effect.observe(request, work);
  if ('done' in seen) return { result: seen.done, performed: false, commands: [] };
  return { result: await effect.act(request, work), performed: true, commands: [...seen.todo] };
}

export function workOf(step: string, signal: AbortSignal = new AbortController().signal): Work {
  return { signal, call: { plan: false, fence: null, key: `flow/run/${step}` }, progress: () => undefined };
}

export async function prepare(server: PostgresServer, directory: string): Promise<Bench> {
  await server.psql(`alter role postgres password '${server.password.replaceAll("'", "''")}'`);
  process.env['TEST_PGPASSWORD'] = server.password;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await mkdir(directory, { recursive: true });
  const publicFile = path.join(directory, 'trusted.pem');
  await writeFile(publicFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const scratch = path.join(directory, 'scratch');
  await mkdir(scratch, { recursive: true });
  await chmod(scratch, 0o700);
  const plain = {
    destination: { type: 'filesystem', directory: path.join(directory, 'backups') },
    components: ['database'],
    scratchDirectory: scratch,
  };
  return {
    server,
    directory,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    unsigned: backupSchema.parse(plain),
    backup: backupSchema.parse({ ...plain, signing: { trustedKeys: [publicFile] } }),
    request: (database, more = {}) => ({
      system,
      stateDirectory: path.join(directory, 'state'),
      store: 'database',
      spec: postgresStore.parse({
        type: 'postgres',
        service: 'postgres',
        host: '127.0.0.1',
        port: server.port,
        user: 'postgres',
        password: 'env:TEST_PGPASSWORD',
        database,
        ...more,
      }),
    }),
  };
}

let lastBackup = 0;

export function newBackupId(): string {
  lastBackup += 1;
  return `${system}-manual-20260102T030405Z-${lastBackup.toString(16).padStart(8, '0')}`;
}

/** Dumps, and writes the manifest that the backup activities would write. */
export async function backUp(
  bench: Bench,
  store: StoreRequest,
  more: Partial<DumpRequest> = {},
): Promise<DumpRequest & { record: ComponentRecord }> {
  const request: DumpRequest = { ...store, backup: bench.backup, backupId: newBackupId(), ...more };
  const { result: record } = await perform(postgresKind.dump, request, workOf('dump'));
  await writeManifest(bench, request, record);
  return { ...request, record };
}

export async function writeManifest(
  bench: Bench,
  request: DumpRequest,
  record: ComponentRecord,
): Promise<void> {
  const at = new Date().toISOString();
  const manifest = {
    format: 'durable-runbooks/backup/1',
    id: request.backupId,
    system,
    kind: 'manual',
    startedAt: at,
    finishedAt: at,
    run: { workflowId: 'flow', runId: 'run' },
    tools: {},
    components: [record],
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  await writeFile(objectFile(bench, keys.manifest(system, request.backupId)), bytes);
  const signature = signBytes(bytes, bench.privateKey);
  await writeFile(objectFile(bench, keys.signature(system, request.backupId)), signature);
}

export function objectFile(bench: Bench, key: string): string {
  if (bench.backup.destination.type !== 'filesystem') throw new Error('these tests store in a directory');
  return path.join(bench.backup.destination.directory, key);
}

export function toRestore(
  request: DumpRequest,
  purpose: RestoreRequest['purpose'] = 'replace',
): RestoreRequest {
  const { system: name, stateDirectory, store, spec, backup, backupId } = request;
  return { system: name, stateDirectory, store, spec, backup, backupId, purpose };
}

export async function restored(request: RestoreRequest, step = 'restore'): Promise<Replacement> {
  return (await perform(postgresKind.restoreBeside, request, workOf(step))).result;
}

/** The failure that a promise ends with; fails the test when it ends well, or with anything but a failure for people. */
export async function failureOf(promise: Promise<unknown>): Promise<ApplicationFailure> {
  const error: unknown = await promise.then(
    () => new Error('it ended well'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

/** Tables, types, names and values that have made dumps and comparisons fail elsewhere. */
export const shop = `
create type mood as enum ('sad', 'ok', 'happy');
create type address as (street text, house int);
create domain positive as int check (value > 0);
create table users (id bigserial primary key, email text not null unique, joined timestamptz default now(), balance numeric(12,2), active bool, born date);
insert into users (email, balance, active, born) select 'user' || n || '@example.org', n * 1.25, n % 2 = 0, date '1970-01-01' + n from generate_series(1, 5000) n;
insert into users (email, born, joined) values ('forever', 'infinity', '-infinity'), ('nothing', null, null);
create index users_joined on users (joined);
create index users_lower on users (lower(email));
create table documents (id int primary key, body json, meta jsonb, place point, feeling mood, home address, tags text[], raw bytea, size positive);
insert into documents select n, json_build_object('n', n), jsonb_build_object('n', n), point(n, n), 'happy'::mood, row('Main St'::text, n)::address, array['a', n::text], decode(md5(n::text), 'hex'), n from generate_series(1, 300) n;
create table long_texts (id int primary key, body text);
alter table long_texts alter column body set storage external;
insert into long_texts select n, string_agg(md5(n::text || m::text), '') from generate_series(1, 60) n, generate_series(1, 400) m group by n;
create table "weird "" name" ("Column ""x""" int, "sélect" text);
insert into "weird "" name" values (1, 'é''\\"%s$1'), (2, null);
create schema "UPPER";
create table "UPPER"."Tâble" (v text);
insert into "UPPER"."Tâble" values ('ü'), (E'line\\nbreak');
create table events (id int, at date not null, note text) partition by range (at);
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
insert into events select n, date '2025-06-01' + n, 'e' || n from generate_series(1, 400) n;
create table by_hash (id int, v text) partition by hash (id);
create table by_hash_0 partition of by_hash for values with (modulus 2, remainder 0);
create table by_hash_1 partition of by_hash for values with (modulus 2, remainder 1);
insert into by_hash select n, 'h' || n from generate_series(1, 100) n;
create table parent (a int); create table child (b int) inherits (parent);
alter table parent add column c text;
insert into child values (1, 2, 'three'); insert into parent values (4, 'five');
create table no_columns (); insert into no_columns default values;
create table total (a int, doubled int generated always as (a * 2) stored);
insert into total values (21);
create table dropped (a int, gone text, b text); alter table dropped drop column gone; insert into dropped values (1, 'x');
create unlogged table scratchpad (a int); insert into scratchpad values (1);
create sequence downwards increment -1; select nextval('downwards'), nextval('downwards');
create sequence unused;
create materialized view happy as select count(*) from documents;
analyze;
`;
