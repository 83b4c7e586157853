/** The backup a restore reads: its manifest believed, the component found, and the program that will read it trusted. */
import { run } from '../../../exec/index.ts';
import { refuseNewer } from '../../backups/contents-format.ts';
import { openPlace } from '../../backups/place.ts';
import { readManifest } from '../../backups/read.ts';
import {
  type ComponentRecord,
  keys,
  type PostgresContents,
  postgresContents,
  type StoredObject,
} from '../../backups/manifest.ts';
import { failure } from '../../failures.ts';
import type { ObjectStorage } from '../../storage/contract.ts';
import type { RestoreRequest } from '../contract.ts';
import { fetchSmall } from '../transfer.ts';
import { program } from './client.ts';
import { contentsObject, dataObject } from './dump.ts';
import { parseVersion, readsUntrustedArchives, safeVersions } from './versions.ts';

export interface Source {
  storage: ObjectStorage;
  component: ComponentRecord;
  data: StoredObject;
  signed: boolean;
}

/** Refuses before anything is fetched. Failures: those of `readManifest`, `NoUsableBackup`, `Unsupported`. */
export async function openSource(request: RestoreRequest, signal: AbortSignal): Promise<Source> {
  const place = await openPlace({ system: request.system, backup: request.backup }, signal);
  const { manifest, signed } = await readManifest(place, request.backupId);
  const component = manifest.components.find(
    ({ store, type }) => store === request.store && type === 'postgres',
  );
  const data = component?.objects.find(({ name }) => name === dataObject);
  if (!component || !data) {
    throw failure('NoUsableBackup', {
      what: `Backup ${request.backupId} holds no PostgreSQL dump of ${request.store}.`,
      hint: `It holds: ${manifest.components.map(({ store }) => store).join(', ')}. See \`runbook backups\` for others.`,
      retryable: false,
    });
  }
  if (!signed) await refuseUnsafe(request, signal);
  return { storage: place.storage, component, data, signed };
}

/** What the replacement is compared with: itself a stored object that the manifest holds the hash of. */
export async function readContents(
  request: RestoreRequest,
  source: Source,
  signal: AbortSignal,
): Promise<PostgresContents> {
  const object = source.component.objects.find(({ name }) => name === contentsObject);
  const key = keys.object(request.system, request.backupId, request.store, contentsObject);
  const refuse = (why: string) =>
    failure('BackupDamaged', {
      what: `${source.storage.locate(key)} ${why}: a restored copy could not be compared with anything.`,
      hint: 'Use another backup (`runbook backups`).',
      retryable: false,
    });
  if (!object) throw refuse('is not in the manifest');
  const bytes = await fetchSmall({ storage: source.storage, key, object, backup: request.backup, signal });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw refuse('is not JSON');
  }
  refuseNewer(json, source.storage.locate(key));
  const parsed = postgresContents.safeParse(json);
  if (!parsed.success) throw refuse('is not a list of contents');
  return parsed.data;
}

async function refuseUnsafe(request: RestoreRequest, signal: AbortSignal): Promise<void> {
  const restore = program('pg_restore');
  const { stdout } = await run({ argv: [restore, '--version'], timeoutMs: 10_000 }, signal);
  const version = parseVersion(stdout);
  if (version && readsUntrustedArchives(version)) return;
  throw failure('Unsupported', {
    what: `Backup ${request.backupId} is not signed, and ${stdout.trim() || restore} can be made to run code by a dump that somebody changed (CVE-2026-116314). Nothing was fetched.`,
    hint: `Sign backups (backup.signing in the inventory), or install a pg_restore of ${safeVersions} or later on the worker.`,
    retryable: false,
  });
}
