/** What `JitComparison` runs programs in the kernel with. */
export const runInKernel: unknown;
