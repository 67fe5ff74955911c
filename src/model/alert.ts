import type { Metric } from './amounts.js';

/** What people are told of at once. */
export const ALERT_EVENTS = ['denied', 'halted', 'threshold'] as const;
export type AlertEvent = (typeof ALERT_EVENTS)[number];

/** Something that has happened of which somebody is to be told. Text of '' is unknown. */
export interface Alert {
  readonly event: AlertEvent;
  /** `*` is every agent. */
  readonly agent: string;
  readonly team: string;
  /** The rule; '' for a halt by a person. */
  readonly rule: string;
  readonly partition: string;
  /** What the rule counts; undefined where it denies outright, or that is unknown. */
  readonly counted:
    | {
        readonly metric: Metric;
        /** Whole, in the unit of the metric; grants included. Used is the amount that a threshold reached. */
        readonly used: number;
        readonly limit: number;
      }
    | undefined;
  /** The tool and the run of the last call. */
  readonly tool: string;
  readonly run: string;
  /** Who halted the agent, if it was no rule; and why. */
  readonly by: string;
  readonly why: string;
  /** ms since the Unix epoch. */
  readonly atMs: number;
  /** When the agent may go on, ms since the Unix epoch; undefined if nobody knows, or waiting is no help. */
  readonly untilMs: number | undefined;
}
