// What classic BPF has beside the codes that it shares with eBPF (../opcodes.ts), under the kernel's names.

export const BPF_RET = 0x06;
export const BPF_MISC = 0x07;
/** Addressing modes: the packet's length, and 4 times the low four bits of a byte. */
export const BPF_LEN = 0x80;
export const BPF_MSH = 0xa0;
/** What a return gives: A, where it is not k. */
export const BPF_A = 0x10;
export const BPF_TAX = 0x00;
export const BPF_TXA = 0x80;

/** Packet offsets from here on up (as unsigned numbers) are no offsets but questions to the kernel, below. */
export const SKF_AD_OFF = 0xfffff000;
/** Base of offsets from the network header. */
export const SKF_NET_OFF = 0xfff00000;
/** Base of offsets from the link-layer header. */
export const SKF_LL_OFF = 0xffe00000;

export const SKF_AD_PROTOCOL = 0;
export const SKF_AD_PKTTYPE = 4;
export const SKF_AD_IFINDEX = 8;
export const SKF_AD_NLATTR = 12;
export const SKF_AD_NLATTR_NEST = 16;
export const SKF_AD_MARK = 20;
export const SKF_AD_QUEUE = 24;
export const SKF_AD_HATYPE = 28;
export const SKF_AD_RXHASH = 32;
export const SKF_AD_CPU = 36;
export const SKF_AD_ALU_XOR_X = 40;
export const SKF_AD_VLAN_TAG = 44;
export const SKF_AD_VLAN_TAG_PRESENT = 48;
export const SKF_AD_PAY_OFFSET = 52;
export const SKF_AD_RANDOM = 56;
export const SKF_AD_VLAN_TPID = 60;
