import { BlockList, isIPv4 } from 'node:net';

const lists = new WeakMap<readonly string[], BlockList>();

/** Whether an address is in one of the networks (`10.0.0.0/8`, `2001:db8::/32`); no networks means anywhere (S-226). */
export function isAllowedFrom(networks: readonly string[] | undefined, address: string): boolean {
  if (networks === undefined || networks.length === 0) return true;
  let list = lists.get(networks);
  if (list === undefined) {
    list = new BlockList();
    for (const network of networks) {
      const [base = '', bits = ''] = network.split('/');
      list.addSubnet(base, Number(bits), isIPv4(base) ? 'ipv4' : 'ipv6');
    }
    lists.set(networks, list);
  }
  const plain = address.replace(/^::ffff:(?=[\d.]+$)/i, '');
  return list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
}
