/** The worker's log: pino, one JSON object a line on stderr; plain lines when a person looks at it. */
import type { Logger, LogLevel, LogMetadata } from '@temporalio/worker';
import { type DestinationStream, type Logger as Pino, pino } from 'pino';

export type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';
export const levels: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error'];

/** A pino logger that writes to `stream`: JSON, or `HH:MM:SS level message {fields}` when `plain`. */
export function createLog(level: Level, stream: NodeJS.WritableStream, plain: boolean): Pino {
  const destination: DestinationStream = {
    write: (line: string) => void stream.write(plain ? readable(line) : line),
  };
  return pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
}

/** The same logger as the Temporal SDK wants it. */
export function temporalLogger(log: Pino): Logger {
  const write = (level: LogLevel, message: string, meta?: LogMetadata) => {
    const { error, ...rest } = meta ?? {};
    const method = level.toLowerCase() as Level;
    log[method]({ ...plainValues(rest), ...(error === undefined ? {} : { err: error }) }, message);
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}

/** JSON has no bigint, and symbols are the SDK's own marks. */
function plainValues(meta: LogMetadata): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(meta).map(([key, value]) => [key, typeof value === 'bigint' ? String(value) : value]),
  );
}

function readable(line: string): string {
  try {
    const { time, level, pid: _, msg, err, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const label = pino.levels.labels[Number(level)] ?? String(level);
    const failure = (err as { stack?: string; message?: string } | undefined) ?? {};
    const rest = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : '';
    const stack = failure.stack ?? failure.message;
    return `${String(time).slice(11, 19)} ${label.padEnd(5)} ${String(msg)}${rest}${stack ? `\n  ${stack.replaceAll('\n', '\n  ')}` : ''}\n`;
  } catch {
    return line;
  }
}
