const LINE = 112;

/** A constant `objectBytes` with `bytes` in base64. */
export function embedBytes(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  const lines = text.match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];
  return `const objectBytes = [\n${lines.map((line) => `  "${line}",\n`).join("")}].join("");\n`;
}

/** The reverse, in the generated module: it runs where there is neither Buffer nor atob. */
export const decodeBase64Source = `function decodeBase64(text: string): Uint8Array {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const bytes = new Uint8Array(Math.floor((text.replace(/=+$/, "").length * 3) / 4));
  for (let at = 0, bits = 0, left = 0, i = 0; at < bytes.length; i++) {
    bits = ((bits << 6) | digits.indexOf(text.charAt(i))) & 0xffffff;
    left += 6;
    if (left >= 8) {
      left -= 8;
      bytes[at++] = (bits >> left) & 0xff;
    }
  }
  return bytes;
}
`;
