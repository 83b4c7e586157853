/** How a message reaches people. */
import type { Channel } from '../../inventory/schema/people.ts';

export interface Message {
  /** Names the message: a receiver that knows keys can tell a repetition from a new one. */
  key: string;
  system: string;
  runbook: string;
  workflowId: string;
  severity: 'info' | 'warning' | 'critical';
  title: string;
  text: string;
  /** Who is meant; on a page, the responders of the level. */
  recipients: string[];
}

export interface MessageRequest {
  channels: { name: string; spec: Channel }[];
  message: Message;
}

export interface Delivery {
  channel: string;
  delivered: boolean;
  /** Why not. */
  error?: string;
}
