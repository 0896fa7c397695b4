/** Flags of BPF_PROG_LOAD (`prog_flags`) that the name of a section asks for: the program may sleep. */
export const BPF_F_SLEEPABLE = 1 << 4;
/** An XDP program that takes packets in several fragments. */
export const BPF_F_XDP_HAS_FRAGS = 1 << 5;
