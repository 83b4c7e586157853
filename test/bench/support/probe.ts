/** A system of one service whose health is a command, and the worker that knows the runbooks for measurements. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Program, startProgram } from './program.ts';
import type { Stage } from './stage.ts';

export interface ActivityEvent {
  at: number;
  activity: string;
  attempt: number;
  workflowId: string;
}

export interface Probe {
  system: string;
  worker(): Promise<Program>;
  /** Every activity that began, oldest first. */
  events(): Promise<ActivityEvent[]>;
}

/** `command`: what the service's health is asked with. */
export async function prepareProbe(stage: Stage, system: string, command: readonly string[]): Promise<Probe> {
  const directory = path.join(stage.directory, system);
  const systems = path.join(directory, 'systems');
  await mkdir(systems, { recursive: true });
  const inventory = {
    name: system,
    title: 'A probe for measurements',
    stateDirectory: path.join(directory, 'state'),
    objectives: { 1: { rto: '5m', rpo: '1m' } },
    services: {
      probe: {
        platform: {
          type: 'process',
          command: ['/bin/sleep', '1h'],
          logFile: path.join(directory, 'probe.log'),
        },
        health: { command },
      },
    },
    people: {
      channels: { console: { type: 'console' } },
      notices: ['console'],
      escalation: [{ after: '0s', responders: ['on-call'], channels: ['console'] }],
    },
  };
  // JSON is YAML.
  await writeFile(path.join(systems, `${system}.yaml`), JSON.stringify(inventory, null, 2));
  const events = path.join(directory, 'events');
  await writeFile(events, '');
  const program = path.join(import.meta.dirname, 'worker.ts');
  return {
    system,
    worker: async () =>
      await startProgram([program, stage.temporal.address, systems, stage.bundles, events], 'ready:'),
    events: async () =>
      (await readFile(events, 'utf8'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as ActivityEvent),
  };
}
