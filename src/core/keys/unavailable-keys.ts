/** Why could metadata or keys not be loaded, and what is to be changed? */
import { DownloadError } from '../download.js';
import type { Authority } from '../issuers/authority.js';

/** The cause, and where to look: at the network if no answer came, else at the options that the answer does not fit. */
export function adviceOn(cause: unknown, { options, hostOptions }: Pick<Authority, 'options' | 'hostOptions'>): string {
  const reason = cause instanceof Error ? cause.message.replace(/\.$/, '') : 'No cause is known';
  if (!(cause instanceof DownloadError) || !cause.isNetworkFault) return `${reason}. Look at ${options}.`;
  const network = `the network (DNS, firewall, proxy, certificates), fetch and ${hostOptions}`;
  // On this machine it is the issuer of a developer, who starts it by hand.
  return cause.isLocal
    ? `${reason}. Is the issuer running? If it is, look at ${hostOptions}.`
    : `${reason}. Look at ${network}.`;
}
