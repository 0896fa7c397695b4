/**
 * The kernel's types without a kernel: what the verifier needs of them on machines that have no
 * `/sys/kernel/btf/vmlinux`, such as a Mac or a browser tab. An entry of its own (`@tsbpf/core/kernel-types`), because it
 * is large: some 640 KB that are only loaded when they are asked for.
 *
 * @packageDocumentation
 */
export { kernelTypesOrigin, loadKernelTypes } from "./load.js";
