/**
 * How workflows read what they are given. By default bytes that are not JSON, or an encoding nobody knows, fail the
 * workflow's task, which Temporal retries for ever. Here they become a value that every door refuses: see parts/input.ts.
 */
import {
  DefaultPayloadConverter,
  type Payload,
  type PayloadConverter,
  type SerializationContext,
} from '@temporalio/common';

/** Stands for an argument that cannot be read. */
export class Undecodable {
  /** Why, in a few words. */
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

const standard = new DefaultPayloadConverter();

/** The bundler looks for this name. */
export const payloadConverter: PayloadConverter = {
  toPayload: (value, context, hint) => standard.toPayload(value, context, hint),
  fromPayload<Value>(payload: Payload, context?: SerializationContext): Value {
    try {
      return standard.fromPayload<Value>(payload);
    } catch (error) {
      // What an activity answers comes from our own workers: a mended one reads it, so its task is worth retrying.
      if (context?.type === 'activity') throw error;
      return new Undecodable(error instanceof Error ? error.message : String(error)) as Value;
    }
  },
};
