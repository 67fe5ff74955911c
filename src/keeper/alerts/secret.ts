import { readFileSync } from 'node:fs';
import type { SecretSource } from '../../policy/policy.js';

/** Reads a secret anew each time, so that its file can be changed; or says why it cannot. */
export function readSecret(source: SecretSource): { value: string } | { problem: string } {
  if ('env' in source) {
    const value = process.env[source.env]?.trim();
    return value ? { value } : { problem: `the environment has no variable ${source.env}` };
  }
  try {
    const value = readFileSync(source.file, 'utf8').trim();
    return value === '' ? { problem: `${source.file} is empty` } : { value };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Where a webhook is: its URL, and what authorizes a message there, if its URL has a user and a password. */
export interface Target {
  readonly url: URL;
  readonly authorization: string | undefined;
}

/** Where a webhook is; or what is wrong with that, without it: its path is a secret. */
export function readUrl(source: SecretSource): Target | { problem: string } {
  const secret = readSecret(source);
  if ('problem' in secret) return secret;
  const where = 'env' in source ? source.env : source.file;
  const url = URL.canParse(secret.value) ? new URL(secret.value) : undefined;
  if (url && /^https?:$/.test(url.protocol)) {
    const { username, password } = url;
    if (username === '' && password === '') return { url, authorization: undefined };
    const plain = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    // In the URL itself fetch takes none.
    [url.username, url.password] = ['', ''];
    return { url, authorization: `Basic ${Buffer.from(plain).toString('base64')}` };
  }
  return { problem: `${where} is not a URL that begins with https:// or http://` };
}
