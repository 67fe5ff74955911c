import { createHmac } from 'node:crypto';
import type { AlertRoute } from '../../policy/policy.js';
import { readSecret, readUrl } from './secret.js';

/** A webhook answers in well under a second; one that does not is tried again. */
const TIMEOUT_MS = 5_000;

/** A Retry-After beyond this is not waited for in full: what is told too late is of no use. */
const MAX_RETRY_AFTER_MS = 30_000;

/** How one attempt went. */
export type Sent =
  | { readonly sent: true }
  | {
      readonly sent: false;
      /** For people; no part of the URL is in it. */
      readonly why: string;
      /** Another attempt may go better. */
      readonly again: boolean;
      /** What the receiver asked for; 0 if nothing. */
      readonly afterMs: number;
    };

/** Sends one message to one webhook, once. @param id names the message */
export async function send(
  route: AlertRoute,
  body: string,
  id: string,
  atMs: number,
): Promise<Sent> {
  const target = readUrl(route.url);
  if ('problem' in target) return { sent: false, why: target.problem, again: true, afterMs: 0 };
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'user-agent': 'tollgate',
    // The same where a message comes twice.
    'tollgate-id': id,
  };
  if (target.authorization) headers['authorization'] = target.authorization;
  if (route.secret) {
    const key = readSecret(route.secret);
    if ('problem' in key) return { sent: false, why: key.problem, again: true, afterMs: 0 };
    headers['tollgate-signature'] = signatureOf(body, key.value, atMs);
  }
  try {
    const response = await fetch(target.url, {
      method: 'POST',
      headers,
      body,
      // A secret path must not be sent on to wherever.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    if (response.ok) return { sent: true };
    const { status } = response;
    const again = status === 429 || status === 408 || status >= 500;
    const seconds = Number(response.headers.get('retry-after'));
    const afterMs = Number.isFinite(seconds) ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : 0;
    return { sent: false, why: `it answered with status ${status}`, again, afterMs };
  } catch (error) {
    return { sent: false, why: reasonOf(error), again: true, afterMs: 0 };
  }
}

/**
 * `t=SECONDS,v1=HEX`: HMAC-SHA256, under the route's secret, of the seconds, a dot and the body. The time is signed
 * too, so that a receiver can refuse what somebody has kept and sends again.
 */
export function signatureOf(body: string, secret: string, atMs: number): string {
  const t = Math.floor(atMs / 1000);
  const v1 = createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
  return `t=${t},v1=${v1}`;
}

/** fetch says only that it failed; why is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it could not be reached';
  if (error.name === 'TimeoutError') return `it gave no answer in ${TIMEOUT_MS / 1000} s`;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return `it could not be reached${code ? ` (${code})` : cause instanceof Error ? ` (${cause.message})` : ''}`;
}
