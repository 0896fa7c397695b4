/**
 * Numbers that stand in packets and in contexts: address families (`sys/socket.h`), EtherTypes (`linux/if_ether.h`) and
 * protocols of IP (`linux/in.h`).
 */
export const AF_INET = 2;
export const AF_INET6 = 10;

export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_8021AD = 0x88a8;

export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_SCTP = 132;
