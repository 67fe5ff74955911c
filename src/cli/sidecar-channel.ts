import { type Channel, openChannel } from '../client/channel.js';
import type { ClientTls } from '../client/secure.js';
import { UsageError } from './command.js';

/** A channel to the sidecar that a command asks. @throws UsageError if its TLS files cannot be used */
export function openSecure(address: string, files: ClientTls): Channel {
  try {
    return openChannel(address, false, files);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
