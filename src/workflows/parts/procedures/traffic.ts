/** Keeping new work out and letting the work in hand finish, while the service can still be asked. */
import { formatDuration } from '../../../inventory/duration.ts';
import type { Run } from '../run.ts';
import { serviceRequest } from './services.ts';

/** @param running only running services are asked; a stopped one has no work in hand. */
export async function closeTraffic(run: Run, running: ReadonlySet<string>): Promise<void> {
  const doors = Object.entries(run.system.services).flatMap(([name, spec]) =>
    spec.traffic && running.has(name) ? [{ ...serviceRequest(run.system, name), traffic: spec.traffic }] : [],
  );
  await run.together(doors, (door) =>
    run.step(`Close ${door.service} to new work`, (activities) => activities.closeTraffic(door), {
      ifSkipped: { open: true },
      undo: (activities) => activities.openTraffic(door),
    }),
  );
  await run.together(
    doors.filter((door) => door.traffic.active),
    (door) =>
      run.step(`Let ${door.service} finish its work in hand`, (activities) => activities.awaitDrained(door), {
        foreseen: { drained: true, active: 0, waitedMs: 0 },
        ifSkipped: { drained: false, active: null, waitedMs: 0 },
        note: (drain) =>
          drain.drained
            ? `drained after ${formatDuration(drain.waitedMs)}`
            : `${drain.active ?? 'an unknown number'} still in hand after ${formatDuration(drain.waitedMs)}: going on`,
      }),
  );
}

export async function openTraffic(run: Run, names: readonly string[]): Promise<void> {
  const doors = names.flatMap((name) => {
    const traffic = run.system.services[name]?.traffic;
    return traffic ? [{ ...serviceRequest(run.system, name), traffic }] : [];
  });
  await run.together(doors, (door) =>
    run.step(`Open ${door.service} to new work`, (activities) => activities.openTraffic(door), {
      ifSkipped: { open: false },
    }),
  );
}
