/** Every place of an inventory where a path may stand, so that relative ones can be made absolute. By name, never by guess. */
import { resolve } from 'node:path';
import type { Path } from './problem.ts';
import type { Action } from './schema/service.ts';
import type { System } from './schema/system.ts';

export interface Slot {
  path: Path;
  /** path: always a path. argument: one when it begins with ./ or ../. secret: one after `file:`. */
  kind: 'path' | 'argument' | 'secret';
  value: string;
}

export function pathSlots(system: System): Slot[] {
  return [
    slot('path', ['stateDirectory'], system.stateDirectory),
    ...Object.keys(system.services).flatMap((name) => serviceSlots(system, name)),
    ...Object.keys(system.stores).flatMap((name) => storeSlots(system, name)),
    ...backupSlots(system),
    ...channelSlots(system),
  ].flat();
}

function slot(kind: Slot['kind'], path: Path, value: string | undefined): Slot[] {
  return value === undefined ? [] : [{ kind, path, value }];
}

function command(path: Path, argv: readonly string[] | undefined): Slot[] {
  return (argv ?? []).flatMap((value, index) => slot('argument', [...path, index], value));
}

function serviceSlots(system: System, name: string): Slot[] {
  const service = system.services[name];
  if (!service) return [];
  const base = ['services', name];
  const action = (end: 'close' | 'open', what: Action | undefined): Slot[] =>
    command([...base, 'traffic', end, 'command'], what && 'command' in what ? what.command : undefined);
  return [
    ...command([...base, 'platform', 'command'], service.platform.command),
    ...slot('path', [...base, 'platform', 'directory'], service.platform.directory),
    ...slot('path', [...base, 'platform', 'logFile'], service.platform.logFile),
    ...command(
      [...base, 'health', 'command'],
      'command' in service.health ? service.health.command : undefined,
    ),
    ...action('close', service.traffic?.close),
    ...action('open', service.traffic?.open),
  ];
}

function storeSlots(system: System, name: string): Slot[] {
  const store = system.stores[name];
  if (!store) return [];
  return [
    ...slot('secret', ['stores', name, 'password'], store.password),
    ...slot(
      'path',
      ['stores', name, 'dataDirectory'],
      store.type === 'redis' ? store.dataDirectory : undefined,
    ),
  ];
}

function backupSlots({ backup }: System): Slot[] {
  if (!backup) return [];
  const { destination, signing, encryption, scratchDirectory } = backup;
  const to = ['backup', 'destination'];
  const where =
    destination.type === 'filesystem'
      ? slot('path', [...to, 'directory'], destination.directory)
      : [
          ...slot('secret', [...to, 'accessKeyId'], destination.accessKeyId),
          ...slot('secret', [...to, 'secretAccessKey'], destination.secretAccessKey),
        ];
  return [
    ...where,
    ...slot('secret', ['backup', 'signing', 'privateKey'], signing?.privateKey),
    ...(signing?.trustedKeys ?? []).flatMap((key, index) =>
      slot('path', ['backup', 'signing', 'trustedKeys', index], key),
    ),
    ...slot('secret', ['backup', 'encryption', 'identity'], encryption?.identity),
    ...slot('path', ['backup', 'scratchDirectory'], scratchDirectory),
  ];
}

function channelSlots(system: System): Slot[] {
  return Object.entries(system.people.channels).flatMap(([name, channel]) => {
    const base = ['people', 'channels', name];
    if (channel.type === 'slack') return slot('secret', [...base, 'webhook'], channel.webhook);
    return channel.type === 'webhook' ? slot('secret', [...base, 'token'], channel.token) : [];
  });
}

/** A copy whose paths are absolute: relative ones are taken from `directory`, where the inventory file lies. */
export function withAbsolutePaths(system: System, directory: string): System {
  const copy = structuredClone(system);
  for (const { path, kind, value } of pathSlots(system)) {
    let container: unknown = copy;
    for (const part of path.slice(0, -1)) container = (container as Record<string | number, unknown>)[part];
    const last = path.at(-1);
    if (last !== undefined)
      (container as Record<string | number, unknown>)[last] = absolute(value, kind, directory);
  }
  return copy;
}

function absolute(value: string, kind: Slot['kind'], directory: string): string {
  if (kind === 'path') return resolve(directory, value);
  if (kind === 'argument') return /^\.\.?\//.test(value) ? resolve(directory, value) : value;
  return value.startsWith('file:') ? `file:${resolve(directory, value.slice('file:'.length))}` : value;
}
