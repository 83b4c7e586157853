/** The Temporal CLI, which is also the dev server and its UI. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { cacheDirectory, installOnce } from '../lib/cache.ts';
import { isExecutable, onPath } from '../lib/find.ts';
import { run } from '../lib/run.ts';
import type { Say } from './say.ts';

/** The newest CLI that `go install` accepts: later tags have replace directives. Brings server 1.29.1. */
const VERSION = 'v1.5.1';
/** The oldest CLI whose dev server knows all flags we give, and whose server has updates switched on by default. */
const OLDEST_CLI = [1, 4] as const;
/** A CLI that `go install` built calls itself 0.0.0-DEV; then the version of the server in it decides. */
const OLDEST_SERVER = [1, 28] as const;

/**
 * Path of a Temporal CLI: `TEMPORAL_CLI`, else PATH, else the cache, else built by Go, else the SDK's own download.
 * @throws Error that names the ways to get one.
 */
export async function ensureTemporal(say: Say): Promise<string> {
  const chosen = process.env['TEMPORAL_CLI'];
  if (chosen !== undefined && chosen !== '') {
    if (isExecutable(chosen)) return chosen;
    throw new Error(`TEMPORAL_CLI=${chosen} is not an executable file`);
  }
  const found = onPath('temporal');
  if (found !== undefined && (await isRecent(found))) return found;

  const name = `temporal-${VERSION}`;
  const installed = path.join(cacheDirectory(), name, 'temporal');
  if (existsSync(installed)) return installed;
  const go = onPath('go');
  await installOnce({
    name,
    say,
    how: go === undefined ? "downloading it as Temporal's SDK does" : 'building it with Go (about 3 minutes)',
    build: async (staging) => {
      if (go === undefined) await download(staging);
      else await build(go, staging);
    },
  });
  return installed;
}

async function build(go: string, staging: string): Promise<void> {
  await run(go, ['install', '-ldflags', '-s -w', `github.com/temporalio/cli/cmd/temporal@${VERSION}`], {
    env: { GOBIN: staging, GOFLAGS: undefined },
    timeoutMs: 1_800_000,
  });
}

async function download(staging: string): Promise<void> {
  // Loaded only here: the SDK's native module takes its time.
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const downloads = await mkdtemp(path.join(staging, 'download-'));
  try {
    const environment = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: downloads } },
    });
    await environment.teardown();
  } catch (error) {
    throw new Error(
      `The Temporal CLI could not be downloaded: ${(error as Error).message}\n` +
        'Put `temporal` (1.4 or newer) on PATH, or set TEMPORAL_CLI to it, or install Go 1.24 or newer and try again.\n' +
        'See https://docs.temporal.io/cli#install',
      { cause: error },
    );
  }
  const [binary] = await readdir(downloads);
  if (binary === undefined) throw new Error('The download of the Temporal CLI left no file');
  await rename(path.join(downloads, binary), path.join(staging, 'temporal'));
  await rm(downloads, { recursive: true });
}

async function isRecent(command: string): Promise<boolean> {
  try {
    const { stdout } = await run(command, ['--version'], { timeoutMs: 10_000 });
    return isRecentVersion(stdout);
  } catch {
    return false;
  }
}

/** Judges the output of `temporal --version`, such as "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)". */
export function isRecentVersion(output: string): boolean {
  const [, major, minor, server] = /version (\d+)\.(\d+)\.\S+ \(Server ([\d.]+)/.exec(output) ?? [];
  if (server === undefined) return false;
  if (`${major}.${minor}` !== '0.0') return atLeast([Number(major), Number(minor)], OLDEST_CLI);
  const [serverMajor, serverMinor] = server.split('.').map(Number);
  return atLeast([serverMajor ?? 0, serverMinor ?? 0], OLDEST_SERVER);
}

function atLeast(version: readonly [number, number], oldest: readonly [number, number]): boolean {
  return version[0] > oldest[0] || (version[0] === oldest[0] && version[1] >= oldest[1]);
}
