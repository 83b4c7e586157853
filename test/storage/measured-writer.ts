/** Stores and reads back what a program prints, and tells its parent by how much its memory grew meanwhile. */
import { spawn } from 'node:child_process';
import { openStorage } from '../../src/activities/storage/index.ts';
import type { Destination } from '../../src/inventory/schema/backup.ts';

const [, , destination = '', bytes = ''] = process.argv;
const signal = new AbortController().signal;
const storage = await openStorage(JSON.parse(destination) as Destination);
const before = process.memoryUsage.rss();
let peak = before;
const look = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20);
const program = spawn('head', ['-c', bytes, '/dev/zero'], { stdio: ['ignore', 'pipe', 'inherit'] });
const written = await storage.write('data', program.stdout, { signal });
let read = 0;
for await (const chunk of await storage.read('data', { signal })) read += (chunk as Buffer).length;
clearInterval(look);
process.send?.({ grown: peak - before, written: written.bytes, read });
