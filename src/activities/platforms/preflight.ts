/** What starting needs, asked before anything is started: a start that must fail at its sixth service should not begin. */
import { accessSync, constants, existsSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { findProgram, identityFor } from '../../exec/index.ts';
import type { Work } from '../stores/contract.ts';
import { storeOf } from './checks/index.ts';
import { type Address, connectionProblem } from './checks/tcp.ts';
import type { Platform, ServiceRequest } from './contract.ts';
import { listenersOn } from './listeners.ts';

export interface Preflight {
  ok: boolean;
  /** One sentence each, beginning with the service's name. */
  problems: string[];
}

export async function preflight(
  platform: Platform,
  services: readonly ServiceRequest[],
  work: Work,
): Promise<Preflight> {
  const problems: string[] = [];
  const claims = new Map<string, string>();
  for (const request of services) {
    work.progress({ note: `looking at ${request.service}` });
    const say = (problem: string) => problems.push(`${request.service}: ${problem}`);
    programProblems(request).forEach(say);
    const address = addressOf(request, say);
    if (!address) continue;
    const key = `${address.host}:${address.port}`;
    const other = claims.get(key);
    if (other !== undefined) say(`${shownAddress(address)} is also where ${other} is asked for its health`);
    claims.set(key, request.service);
    // Running already: the port is its own.
    const state = await platform.state(request, work);
    if (state.running || (await connectionProblem(address, work.signal)) !== undefined) continue;
    const holder = address.host.startsWith('/') ? '' : listenersOn(address.port);
    say(`${shownAddress(address)} is taken${holder}, and this service does not run`);
  }
  return { ok: problems.length === 0, problems };
}

function programProblems({ spec: { platform } }: ServiceRequest): string[] {
  const { command, directory, environment, user, logFile } = platform;
  const problems: string[] = [];
  if (directory !== undefined && !may(directory, constants.X_OK)) {
    problems.push(
      `its working directory ${directory} ${existsSync(directory) ? 'may not be entered' : 'does not exist'}`,
    );
  }
  const program = command[0] ?? '';
  if (findProgram(program, environment['PATH'], directory) === undefined) {
    problems.push(`there is no program ${program} that can be executed`);
  }
  const identity = identityFor(user);
  if (identity.problem !== undefined) problems.push(identity.problem);
  if (existsSync(logFile)) {
    if (!may(logFile, constants.W_OK)) problems.push(`its log ${logFile} cannot be written`);
  } else {
    const parent = existingParent(logFile);
    if (!may(parent, constants.W_OK | constants.X_OK))
      problems.push(`its log ${logFile} cannot be made: ${parent} is not writable`);
  }
  return problems;
}

/** Where the service will listen, as far as its health check tells, if that is on this machine. */
function addressOf(request: ServiceRequest, say: (problem: string) => void): Address | undefined {
  try {
    const address = askedAt(request);
    return address && isLocal(address.host) ? address : undefined;
  } catch (error) {
    say((error as Error).message);
    return undefined;
  }
}

function askedAt(request: ServiceRequest): Address | undefined {
  const { health } = request.spec;
  if ('tcp' in health) return health.tcp;
  if ('http' in health) {
    const url = new URL(health.http.url);
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port };
  }
  if ('redis' in health) {
    const { host, port } = storeOf(request, health.redis, 'redis');
    return { host, port };
  }
  if ('postgres' in health) {
    const { host, port } = storeOf(request, health.postgres, 'postgres');
    return { host: host.startsWith('/') ? path.join(host, `.s.PGSQL.${port}`) : host, port };
  }
  return undefined;
}

function isLocal(host: string): boolean {
  if (host.startsWith('/') || host === 'localhost' || host.startsWith('127.') || host === '::1') return true;
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === host),
  );
}

function shownAddress({ host, port }: Address): string {
  return host.startsWith('/') ? host : `port ${port} on ${host}`;
}

function existingParent(file: string): string {
  const parent = path.dirname(file);
  return existsSync(parent) || parent === file ? parent : existingParent(parent);
}

function may(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}
