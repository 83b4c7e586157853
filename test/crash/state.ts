/**
 * The state a run leaves behind, read by means of its own: SQL, Redis commands, directory listings and /proc. Nothing here
 * uses the product's code. Names with a time or a run in them are normalised, so that two runs can be compared.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { leftovers } from '../../demo/prepare/leftovers.ts';
import { run } from '../../tools/lib/run.ts';
import { waitUntil } from '../../tools/lib/wait.ts';
import type { Lab } from '../support/lab.ts';

/** Facts by name; every value is compared as text. */
export type State = Record<string, string>;

const programs = ['api', 'search', 'reports', 'web'] as const;

export async function observeState(lab: Lab, ignoredDatabases: readonly string[]): Promise<State> {
  await noOrphans(lab);
  const processes = leftovers(lab.demo.root).map(({ pid }) => commandOf(pid));
  const main = processes.filter((command) => !/postgres: /.test(command));
  const state: State = {
    processes: main
      .map((command) => normalised(command, lab))
      .sort()
      .join('\n'),
  };
  for (const name of programs) state[`health ${name}`] = await healthOf(lab, name);
  const isUp = (program: string) => main.some((command) => command.includes(`bin/${program}`));
  if (isUp('postgres')) Object.assign(state, await postgresState(lab, ignoredDatabases));
  if (isUp('redis-server')) state['redis'] = await redisDigest(lab);
  Object.assign(state, await backupsState(lab));
  state['directories'] = await leftFiles(lab);
  const open = lab.client.workflow.list({
    query: `WorkflowType = 'lock' AND WorkflowId = 'lock/${lab.system.name}' AND ExecutionStatus = 'Running'`,
  });
  let locks = 0;
  for await (const _ of open) locks += 1;
  state['locks held'] = String(locks);
  return state;
}

/** What differs, one line each. */
export function differences(expected: State, found: State): string[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    .filter((key) => expected[key] !== found[key])
    .map((key) => {
      const [wanted, seen] = [linesOf(expected[key]), linesOf(found[key])];
      return `${key}: expected ${short(without(wanted, seen))}, found ${short(without(seen, wanted))}`;
    });
}

function linesOf(text: string | undefined): string[] {
  return text?.split('\n') ?? [];
}

/** Each line of `others` takes one like it out of `lines`. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...lines];
  for (const line of others) {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

function short(lines: readonly string[]): string {
  if (lines.length === 0) return 'nothing more';
  const text = lines.join('\n');
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text;
}

async function healthOf(lab: Lab, program: (typeof programs)[number]): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${lab.demo.ports[program]}/health`, {
      signal: AbortSignal.timeout(5_000),
    });
    const body = (await response.json()) as { draining?: boolean };
    return `${response.status}${body.draining === true ? ', draining' : ''}`;
  } catch {
    return 'no answer';
  }
}

async function postgresState(lab: Lab, ignored: readonly string[]): Promise<State> {
  const databases = await lab.demo.psql(
    `select datname, datallowconn, pg_get_userbyid(datdba) as owner from pg_database where not datistemplate order by 1`,
    'postgres',
  );
  const state: State = {
    databases: databases
      .filter(({ datname }) => !ignored.includes(datname ?? ''))
      .map((row) => `${stampless(row['datname'] ?? '')} ${row['datallowconn'] ?? ''} ${row['owner'] ?? ''}`)
      .join('\n'),
    sessions: JSON.stringify(
      await lab.demo.psql(
        `select count(*) as ours from pg_stat_activity where application_name like 'durable-runbooks%'`,
        'postgres',
      ),
    ),
  };
  const tables = await lab.demo.psql(
    `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const one = ({ name }: { name?: string | null }) =>
    `select '${name ?? ''}' as name, count(*) || ' ' || coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as print from ${name ?? ''} t`;
  // By sequential scan: an index may be what is damaged.
  const prints = await lab.demo.psql(
    `set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off;
     ${tables.map(one).join(' union all ')} order by 1`,
  );
  for (const { name, print } of prints) state[`table ${name ?? ''}`] = print ?? '';
  const [schema] = await lab.demo.psql(
    `select md5(string_agg(line, ';' order by line)) as print from (
       select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as line from pg_constraint where connamespace = 'public'::regnamespace
       union all select indexdef from pg_indexes where schemaname = 'public'
       union all select format('%s %s', c.oid::regclass, pg_get_userbyid(c.relowner)) from pg_class c where relnamespace = 'public'::regnamespace
     ) as lines`,
  );
  state['schema'] = schema?.['print'] ?? '';
  const sound = await lab.demo.psql(
    `select count(bt_index_check(c.oid, true)) as checked from pg_class c join pg_am a on a.oid = c.relam
     where c.relkind = 'i' and a.amname = 'btree' and c.relnamespace = 'public'::regnamespace`,
  );
  state['indexes that agree with their tables'] = sound[0]?.['checked'] ?? '';
  return state;
}

/** By type and in order, since Redis itself keeps sets and hashes in none; whether a key expires, not when. */
const digestScript = `
local prints = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  local kind = redis.call('TYPE', key)['ok']
  local value
  if kind == 'string' then value = { redis.call('GET', key) }
  elseif kind == 'set' then value = redis.call('SMEMBERS', key); table.sort(value)
  elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'hash' then
    local flat = redis.call('HGETALL', key); value = {}
    for i = 1, #flat, 2 do value[#value + 1] = flat[i] .. '=' .. flat[i + 1] end
    table.sort(value)
  else value = { kind } end
  local expires = redis.call('TTL', key) >= 0 and 'expires' or 'lasts'
  prints[#prints + 1] = redis.sha1hex(key .. '|' .. kind .. '|' .. expires .. '|' .. table.concat(value, '|'))
end
table.sort(prints)
return #prints .. ' keys, ' .. redis.sha1hex(table.concat(prints))`;

async function redisDigest(lab: Lab): Promise<string> {
  return await lab.demo.redis('EVAL', digestScript, '0');
}

/** Every backup's objects are read and compared with its manifest here, too. */
async function backupsState(lab: Lab): Promise<State> {
  const root = lab.demo.backupsDirectory;
  const files = existsSync(root) ? await filesBelow(root) : [];
  const state: State = {
    objects: files
      .map((file) => stampless(file).replaceAll(lab.system.name, '<system>'))
      .sort()
      .join('\n'),
  };
  const manifests = files.filter((file) => path.basename(file) === 'manifest.json');
  state['manifests'] = String(manifests.length);
  for (const [index, file] of manifests.sort().entries()) {
    const manifest = JSON.parse(await readFile(path.join(root, file), 'utf8')) as {
      components: { store: string; objects: { name: string; bytes: number; sha256: string }[] }[];
    };
    const contents: string[] = [];
    for (const { store, objects } of manifest.components) {
      for (const { name, bytes, sha256 } of objects) {
        const object = path.join(root, path.dirname(file), store, name);
        const found = await readFile(object);
        const whole = found.length === bytes && createHash('sha256').update(found).digest('hex') === sha256;
        contents.push(`${store}/${name} ${whole ? 'as its manifest says' : 'NOT as its manifest says'}`);
        if (name.startsWith('contents.json')) contents.push(await contentsPrint(object));
      }
    }
    state[`backup ${index + 1}`] = contents.join('\n');
  }
  return state;
}

/** What the dump holds, table by table, as the backup itself says; times of expiry left out. */
async function contentsPrint(file: string): Promise<string> {
  const text = file.endsWith('.zst')
    ? (await run('zstd', ['-dcq', '--', file])).stdout
    : await readFile(file, 'utf8');
  const contents = JSON.parse(text) as { type: string; tables?: unknown; databases?: { lasting: unknown }[] };
  return JSON.stringify(contents.tables ?? contents.databases?.map(({ lasting }) => lasting));
}

/** Names below the directories in which nothing half done may be left: unfinished files, scratch, drills, kept data. */
async function leftFiles(lab: Lab): Promise<string> {
  const scratch = await filesBelow(path.join(lab.demo.root, 'scratch'));
  const state = (await filesBelow(lab.demo.stateDirectory)).filter((file) => !/\.(mark|lock)$/.test(file));
  const beside = await readdir(path.join(lab.demo.root, 'redis'));
  return [
    ...scratch.map((file) => `scratch/${file}`),
    ...state.map((file) => `state/${file}`),
    ...beside.map((file) => `redis/${file}`),
  ]
    .map((file) => stampless(file))
    .sort()
    .join('\n');
}

async function filesBelow(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const entries = await readdir(directory, { recursive: true });
  const files: string[] = [];
  for (const entry of entries) {
    const found = await stat(path.join(directory, entry)).catch(() => undefined);
    if (found?.isFile()) files.push(entry);
  }
  return files;
}

/** Nothing but the shop's services and the workers may still work with this lab: no dump, no restore, no scratch server. */
async function noOrphans(lab: Lab): Promise<void> {
  let found: string[] = [];
  await waitUntil(
    () => {
      found = orphans(lab);
      return found.length === 0;
    },
    { timeoutMs: 5_000, what: 'what a killed worker left running to end' },
  ).catch((error: unknown) => {
    throw new Error(`Still running: ${found.join('; ')}`, { cause: error });
  });
}

function orphans(lab: Lab): string[] {
  const marks = [`${lab.demo.root}/`, `PGPORT=${lab.demo.ports.postgres}\0`];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map((entry) => ({ entry, command: commandOf(Number(entry)) }))
    .filter(({ command }) =>
      /^\S*(pg_dump|pg_restore|psql|zstd|age|redis-server|redis-cli|sh|timeout)\b/.test(command),
    )
    .filter(
      ({ command }) =>
        !command.startsWith(`${lab.demo.root}/bin/`) && !/^redis-server 127|^\S+:\d+/.test(command),
    )
    .filter(({ entry, command }) => {
      const environment = read(`/proc/${entry}/environ`);
      return marks.some((mark) => command.includes(mark) || environment.includes(mark));
    })
    .filter(({ command }) => !command.includes(`:${lab.demo.ports.redis}`))
    .map(({ entry, command }) => `${command.slice(0, 200)} (pid ${entry})`);
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function normalised(text: string, lab: Lab): string {
  let out = text.replaceAll(lab.demo.root, '<root>');
  for (const [name, port] of Object.entries(lab.demo.ports)) out = out.replaceAll(String(port), `<${name}>`);
  return out;
}

/** Times, run ids and hashes of keys out of a name. */
export function stampless(name: string): string {
  return name
    .replace(/\d{8}T\d{6}Z-[0-9a-f]{8}/g, '<stamp>')
    .replace(/\d{14}/g, '<time>')
    .replace(/\d{8}T\d{6}Z/g, '<time>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/[0-9a-f]{12,64}/g, '<hash>')
    .replace(/\/[0-9a-f]{8}\b/g, '/<id>');
}
