import { afterEach } from "vitest";

/** Closes what a test opens, the last first, when the test is over. The result hands through what it is given to close. */
export function closeAfterEach(): <T extends { close(): void }>(each: T) => T {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const each of open.splice(0).reverse()) each.close();
  });
  return (each) => {
    open.push(each);
    return each;
  };
}
