import type { Metric } from '../model/amounts.js';
import { EVERYONE, type Halt } from '../model/halt.js';
import type { Span } from '../model/span.js';
import type { StoredHalt } from './answer.js';

/**
 * What Redis keeps of a halt besides its times, as JSON: who ordered it and why; and of a rule's halt, the
 * window that the agent was over and what it asked for, so that a resume can say when that lets it pass.
 */
export interface HaltText {
  readonly rule?: string;
  readonly by?: string;
  readonly why: string;
  readonly window?: HaltWindow;
}

export interface HaltWindow {
  readonly shape: string;
  readonly partition: string;
  readonly metric: Metric;
  readonly limit: number;
  readonly amount: number;
  readonly span: Span;
}

export function formatHaltText(text: HaltText): string {
  return JSON.stringify(text);
}

/** A halt as Redis has it; one that nobody can read stops the agent all the same. */
export function parseHalt(
  agent: string,
  { everyone, sinceUs, untilUs, text }: StoredHalt,
): Halt & { window?: HaltWindow } {
  const { rule = '', by = '', why, window } = parseText(text);
  return {
    agent: everyone ? EVERYONE : agent,
    sinceUs,
    untilUs,
    rule,
    by,
    why,
    ...(window ? { window } : {}),
  };
}

function parseText(text: string): HaltText {
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed !== null && typeof parsed === 'object') {
      return { why: '', ...(parsed as Partial<HaltText>) };
    }
  } catch {
    // Said below: it was written by hand.
  }
  return { why: text };
}
