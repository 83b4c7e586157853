/** Recorded histories: what they are called, and how they are read. `npm run record-histories` makes them. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

export const historiesDirectory = path.join(import.meta.dirname, 'histories');

/** As `temporal workflow show --output json` prints it. */
export interface RecordedHistory {
  events: HistoryEvent[];
}

export interface HistoryEvent {
  eventType: string;
  workflowExecutionStartedEventAttributes?: { workflowType: { name: string } };
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  [attributes: string]: unknown;
}

export interface Recording {
  /** `full-backup-killed` */
  name: string;
  workflowType: string;
  history: RecordedHistory;
}

export async function readHistories(): Promise<Recording[]> {
  const files = (await readdir(historiesDirectory)).filter((file) => file.endsWith('.json.gz')).sort();
  return await Promise.all(
    files.map(async (file) => {
      const bytes = gunzipSync(await readFile(path.join(historiesDirectory, file)));
      const history = JSON.parse(bytes.toString('utf8')) as RecordedHistory;
      const workflowType =
        history.events[0]?.workflowExecutionStartedEventAttributes?.workflowType.name ?? '';
      return { name: file.replace(/\.json\.gz$/, ''), workflowType, history };
    }),
  );
}
