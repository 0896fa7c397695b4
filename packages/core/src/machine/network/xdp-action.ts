/** Return values of XDP programs. */
export const xdpAction = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const;
