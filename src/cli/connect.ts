import type { RedisAddress } from '../redis/address.js';
import { connectOnce } from '../redis/connect.js';
import { loadScripts } from '../redis/scripts.js';
import type { Settings } from '../settings.js';

/** Connects to a Redis as a sidecar would, once. */
export function connect(
  { redisAccess: access }: Settings,
  address: RedisAddress,
): ReturnType<typeof connectOnce> {
  return connectOnce({ address, access, scripts: loadScripts() });
}
