/** The backup a restore reads: its manifest believed, and the component found. */
import {
  type ComponentRecord,
  keys,
  type RedisContents,
  redisContents,
  type StoredObject,
} from '../../backups/manifest.ts';
import { refuseNewer } from '../../backups/contents-format.ts';
import { openPlace } from '../../backups/place.ts';
import { readManifest } from '../../backups/read.ts';
import { failure } from '../../failures.ts';
import type { ObjectStorage } from '../../storage/contract.ts';
import type { RestoreRequest } from '../contract.ts';
import { fetchSmall } from '../fetch.ts';
import { contentsObject, dataObject } from './dump.ts';

export interface Source {
  storage: ObjectStorage;
  component: ComponentRecord;
  data: StoredObject;
}

/** Refuses before anything is fetched. Failures: those of `readManifest`, `NoUsableBackup`. */
export async function openSource(request: RestoreRequest, signal: AbortSignal): Promise<Source> {
  const place = await openPlace({ system: request.system, backup: request.backup }, signal);
  const { manifest } = await readManifest(place, request.backupId);
  const component = manifest.components.find(
    ({ store, type }) => store === request.store && type === 'redis',
  );
  const data = component?.objects.find(({ name }) => name === dataObject);
  if (!component || !data) {
    throw failure('NoUsableBackup', {
      what: `Backup ${request.backupId} holds no Redis dump of ${request.store}.`,
      hint: `It holds: ${manifest.components.map(({ store }) => store).join(', ')}. See \`runbook backups\` for others.`,
      retryable: false,
    });
  }
  return { storage: place.storage, component, data };
}

/** What the replacement is compared with: itself a stored object that the manifest holds the hash of. */
export async function readExpected(request: RestoreRequest, signal: AbortSignal): Promise<RedisContents> {
  const { storage, component } = await openSource(request, signal);
  const object = component.objects.find(({ name }) => name === contentsObject);
  const key = keys.object(request.system, request.backupId, request.store, contentsObject);
  const refuse = (why: string) =>
    failure('BackupDamaged', {
      what: `${storage.locate(key)} ${why}: a restored copy could not be compared with anything.`,
      hint: 'Use another backup (`runbook backups`).',
      retryable: false,
    });
  if (!object) throw refuse('is not in the manifest');
  const bytes = await fetchSmall({ storage, key, object, backup: request.backup, signal });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw refuse('is not JSON');
  }
  refuseNewer(json, storage.locate(key));
  const parsed = redisContents.safeParse(json);
  if (!parsed.success) throw refuse('is not a list of contents');
  return parsed.data;
}
