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

/** The URL of a webhook; or what is wrong with it, without it: its path is a secret. */
export function readUrl(source: SecretSource): { url: URL } | { problem: string } {
  const secret = readSecret(source);
  if ('problem' in secret) return secret;
  const where = 'env' in source ? source.env : source.file;
  const url = URL.canParse(secret.value) ? new URL(secret.value) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return { url };
  return { problem: `${where} is not a URL that begins with https:// or http://` };
}
