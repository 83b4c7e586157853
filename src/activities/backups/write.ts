/** Writing the manifest: the last act of a backup, after which it counts. */
import { Context } from '@temporalio/activity';
import { type CommandError, run } from '../../exec/index.ts';
import { failure } from '../failures.ts';
import { resolveSecret } from '../secrets.ts';
import { once } from '../storage/small.ts';
import { type BackupKind, type ComponentRecord, keys, type Manifest, manifest } from './manifest.ts';
import { thisRun } from './owner.ts';
import { checkId, damaged, type OpenPlace, sha256Of, writeSmall } from './place.ts';
import { readManifest } from './read.ts';
import { toText } from './records.ts';
import { signBytes } from './sign.ts';

export interface ManifestRequest {
  id: string;
  kind: BackupKind;
  startedAt: string;
  components: ComponentRecord[];
}

export interface WrittenManifest {
  location: string;
  sha256: string;
  bytes: number;
}

/** The manifest that this run has written already, if it has. Another's, or one that says something else, is a failure. */
export async function findManifest(
  place: OpenPlace,
  request: ManifestRequest,
): Promise<WrittenManifest | undefined> {
  checkId(place.system, request.id);
  const key = keys.manifest(place.system, request.id);
  if (!(await place.storage.stat(key))) return undefined;
  const { manifest: found, sha256, bytes } = await readManifest(place, request.id);
  const me = thisRun();
  const mine = found.run.workflowId === me.workflowId && found.run.runId === me.runId;
  if (
    mine &&
    JSON.stringify(found.components) === JSON.stringify(manifest.shape.components.parse(request.components))
  ) {
    return { location: place.storage.locate(key), sha256, bytes };
  }
  const whose = mine ? 'lists other components than this run made' : `was written by ${found.run.workflowId}`;
  throw failure('ObjectExists', {
    what: `${place.storage.locate(key)} is there already and ${whose}.`,
    hint: 'A manifest is never replaced. Start a new backup.',
    retryable: false,
  });
}

/** What the manifest will be, for a plan. */
export function foreseen(place: OpenPlace, id: string): WrittenManifest {
  return { location: place.storage.locate(keys.manifest(place.system, id)), sha256: sha256Of(''), bytes: 0 };
}

export async function writeManifestOf(place: OpenPlace, request: ManifestRequest): Promise<WrittenManifest> {
  const { id, kind, startedAt, components } = request;
  await assertStored(place, request);
  const { workflowId, runId } = thisRun();
  const { scheduledTimestampMs } = Context.current().info;
  const content = manifest.parse({
    format: 'durable-runbooks/backup/1',
    id,
    system: place.system,
    kind,
    startedAt,
    // When this step was scheduled, the data was complete. The same on every attempt, so that two write the same bytes.
    finishedAt: new Date(scheduledTimestampMs).toISOString(),
    run: { workflowId, runId },
    tools: await toolVersions(components, place.signal),
    components,
  } satisfies Manifest);
  const bytes = Buffer.from(toText(content));
  const { signing } = place.backup;
  // The signature first: the manifest appears last, and with it the backup.
  if (signing?.privateKey) {
    const signature = signBytes(bytes, await resolveSecret(signing.privateKey));
    await writeSmall(place, keys.signature(place.system, id), signature);
  } else if (signing) {
    throw failure('ConfigurationError', {
      what: `backup.signing of ${place.system} names trusted keys but no private key: the manifest would not be believed.`,
      hint: 'Give this worker signing.privateKey, or take the backup where it is known.',
      retryable: false,
    });
  }
  const key = keys.manifest(place.system, id);
  const stored = await place.storage.write(key, once(bytes), { signal: place.signal, ifAbsent: true });
  return { location: place.storage.locate(key), ...stored };
}

/** Every object that the manifest will list has to be there, whole, before it says so. */
async function assertStored(place: OpenPlace, { id, components }: ManifestRequest): Promise<void> {
  const problems: string[] = [];
  for (const { store, objects } of components) {
    for (const { name, bytes } of objects) {
      const key = keys.object(place.system, id, store, name);
      const found = await place.storage.stat(key);
      if (!found) problems.push(`${place.storage.locate(key)} is missing`);
      else if (found.bytes !== bytes)
        problems.push(`${place.storage.locate(key)} has ${found.bytes} bytes instead of ${bytes}`);
    }
  }
  if (problems.length > 0) {
    throw damaged(
      `Backup ${id} gets no manifest, since not all of it is stored: ${problems.slice(0, 10).join('; ')}`,
    );
  }
}

/** What made the backup, for whoever has to open it in five years. A tool that another worker has is not in the list. */
async function toolVersions(
  components: readonly ComponentRecord[],
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const objects = components.flatMap((component) => component.objects);
  const used = {
    pg_dump: components.some(({ type }) => type === 'postgres'),
    'redis-cli': components.some(({ type }) => type === 'redis'),
    zstd: objects.some(({ compression }) => compression === 'zstd'),
    age: objects.some(({ encryption }) => encryption === 'age'),
  };
  const versions: Record<string, string> = { node: process.version };
  for (const [tool, isUsed] of Object.entries(used)) {
    if (!isUsed) continue;
    try {
      const { stdout } = await run({ argv: [tool, '--version'], timeoutMs: 10_000 }, signal);
      versions[tool] = stdout.trim().split('\n')[0]?.slice(0, 200) ?? '';
    } catch (error) {
      signal.throwIfAborted();
      versions[tool] = `unknown (${(error as CommandError).reason ?? 'no answer'})`;
    }
  }
  return versions;
}
