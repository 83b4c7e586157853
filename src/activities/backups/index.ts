/** The activities about backups as wholes: manifest, verification, proof, leases, retention. */
import { Context } from '@temporalio/activity';
import type { Activities, BackupPlace, BackupSummary } from '../contract.ts';

import { effect } from '../work.ts';
import { choose } from './choose.ts';
import { holdsLease, leaseKey, takeLease } from './lease.ts';
import { keys } from './manifest.ts';
import { thisRun } from './owner.ts';
import { checkId, type OpenPlace, openPlace } from './place.ts';
import { isProven, prove } from './proof.ts';
import { carryOut, planRetention } from './remove.ts';
import { survey } from './survey.ts';
import { findVerified, verify } from './verify.ts';
import { findManifest, foreseen, writeManifestOf } from './write.ts';

type BackupActivities = Pick<
  Activities,
  | 'listBackups'
  | 'chooseBackup'
  | 'leaseBackup'
  | 'releaseBackup'
  | 'writeManifest'
  | 'verifyBackup'
  | 'recordProof'
  | 'applyRetention'
>;

export function createBackupActivities(): BackupActivities {
  return {
    async listBackups(request) {
      return await summaries(request);
    },

    async chooseBackup(request) {
      const { system, id, need } = request;
      if (id !== null) checkId(system, id);
      return choose(await summaries(request), id, need);
    },

    leaseBackup: effect({
      async observe(request, { signal }) {
        const place = await openPlace(request, signal);
        checkId(place.system, request.id);
        const lease = place.storage.locate(leaseKey(place, request.id, thisRun()));
        if (await holdsLease(place, request.id)) return { done: { lease } };
        return { todo: [`write ${lease}`], foreseen: { lease } };
      },
      async act(request, { signal }) {
        return { lease: await takeLease(await openPlace(request, signal), request.id) };
      },
    }),

    releaseBackup: effect<BackupPlace & { id: string }, { released: boolean }>({
      async observe(request, { signal }) {
        const { place, key } = await ownLease(request, signal);
        if (!(await place.storage.stat(key))) return { done: { released: false } };
        return { todo: [`remove ${place.storage.locate(key)}`], foreseen: { released: true } };
      },
      async act(request, { signal }) {
        const { place, key } = await ownLease(request, signal);
        await place.storage.remove(key);
        return { released: true };
      },
    }),

    writeManifest: effect({
      async observe(request, { signal }) {
        const place = await openPlace(request, signal);
        const found = await findManifest(place, request);
        if (found) return { done: found };
        const how = request.backup.signing ? 'write and sign' : 'write';
        const result = foreseen(place, request.id);
        return { todo: [`${how} ${result.location}`], foreseen: result };
      },
      async act(request, { signal }) {
        return await writeManifestOf(await openPlace(request, signal), request);
      },
    }),

    verifyBackup: effect({
      async observe(request, { signal, call }) {
        const place = await openPlace(request, signal);
        checkId(place.system, request.id);
        const found = await findVerified(place, request.id, call.key);
        if (found) return { done: found };
        const where = place.storage.locate(`${keys.backup(place.system, request.id)}verified.json`);
        return {
          todo: [`read every object of ${request.id}, compare with its manifest, write ${where}`],
          foreseen: { id: request.id, ok: true, objects: 0, bytes: 0, problems: [], notes: [] },
        };
      },
      async act(request, work) {
        return await verify(await openPlace(request, work.signal), request.id, work);
      },
    }),

    recordProof: effect({
      async observe(request, { signal, call }) {
        const place = await openPlace(request, signal);
        checkId(place.system, request.id);
        const location = place.storage.locate(keys.proven(place.system, request.id));
        if (!call.plan && (await isProven(place, request.id, request.proof))) return { done: { location } };
        return { todo: [`write ${location}`], foreseen: { location } };
      },
      async act(request, { signal }) {
        return { location: await prove(await openPlace(request, signal), request.id, request.proof) };
      },
    }),

    applyRetention: effect({
      async observe(request, { signal }) {
        const place = await openPlace(request, signal);
        const { remove, kept } = await planRetention(place);
        if (remove.length === 0) return { done: { removed: [], kept } };
        const todo = remove.map(
          (id) =>
            `remove ${place.storage.locate(`${keys.backup(place.system, id)}manifest.json`)} and all beside it`,
        );
        return { todo, foreseen: { removed: remove, kept } };
      },
      async act(request, work) {
        const place = await openPlace(request, work.signal);
        const plan = await planRetention(place);
        return await carryOut(place, plan, work.call, (id) => work.progress({ note: `Removing ${id}` }));
      },
    }),
  };
}

async function summaries(request: BackupPlace): Promise<BackupSummary[]> {
  const surveyed = await survey(await openPlace(request, Context.current().cancellationSignal));
  return surveyed.map(
    ({ hasManifest: _hasManifest, wasWhole: _wasWhole, touchedAt: _touchedAt, ...summary }) => summary,
  );
}

async function ownLease(
  request: BackupPlace & { id: string },
  signal: AbortSignal,
): Promise<{ place: OpenPlace; key: string }> {
  const place = await openPlace(request, signal);
  checkId(place.system, request.id);
  return { place, key: leaseKey(place, request.id, thisRun()) };
}
