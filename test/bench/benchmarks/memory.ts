/** Memory of the worker while it backs up databases of two sizes: it must not grow with the database. */
import { setTimeout as sleep } from 'node:timers/promises';
import { resetPeak, resident } from '../support/memory.ts';
import { type Measured, rounded } from '../support/result.ts';
import type { Setting } from '../support/setting.ts';
import { databaseShop, startDatabase } from '../support/shop.ts';

export const ids = ['backup-memory'];
const smallBytes = 200e6;
const fullBytes = 5.4e9;

export async function measure({ stage, options }: Setting): Promise<Measured[]> {
  const figures: Record<string, unknown>[] = [];
  const above: number[] = [];
  for (const [name, bytes] of [
    ['small', smallBytes],
    ['large', options.full ? Math.max(options.bytes, fullBytes) : options.bytes],
  ] as const) {
    const demo = await databaseShop(stage, `memory-${name}`, bytes);
    const starter = await stage.worker(demo);
    const databaseBytes = await startDatabase(stage, demo);
    await starter.stop();
    // A worker that has done nothing yet.
    const worker = await stage.worker(demo);
    await sleep(2000);
    const idleMiB = resident(worker.pid, 'VmRSS');
    resetPeak(worker.pid);
    await stage.run('full-backup', demo);
    const peakMiB = resident(worker.pid, 'VmHWM');
    above.push(peakMiB - idleMiB);
    figures.push({ databaseBytes, idleMiB: rounded(idleMiB), peakMiB: rounded(peakMiB) });
    await worker.stop();
    await demo.stopAll();
  }
  return [
    {
      id: 'backup-memory',
      value: Math.max(...above),
      unit: 'MiB above idle',
      // 150 MB, in the unit of the figure.
      target: { sense: '<', value: rounded(150e6 / 2 ** 20) },
      detail: {
        figures,
        what: 'VmHWM of a fresh worker during full-backup, less its VmRSS before; the larger one',
      },
    },
  ];
}
