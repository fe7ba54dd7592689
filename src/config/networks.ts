import { isIP } from 'node:net';
import { z } from 'zod';

function isNetwork(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const right = bits === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= most);
  return family !== 0 && !address.includes('%') && right && rest.length === 0;
}

export const proxyProtocolFrom = z
  .array(z.string().refine(isNetwork, 'must be an IP address or a network such as "10.0.1.0/24"'))
  .max(64)
  .default([])
  .describe(
    'Load balancers whose connections begin with a header of the PROXY protocol, version 1 or 2: addresses and networks such as `10.0.1.0/24`. Only from them it is read, and from them it must come; the address that it tells is that of logs, of the audit trail and of limits.',
  );
