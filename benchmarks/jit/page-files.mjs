/** Stands for node:fs in the page: a file of the server that the page came from. */
export function readFileSync(url) {
  const request = new XMLHttpRequest();
  // Waiting for an answer is only possible as text; in this encoding the low eight bits of each character are a byte.
  request.overrideMimeType("text/plain; charset=x-user-defined");
  request.open("GET", url, false);
  request.send();
  if (request.status !== 200) throw new Error(`${url}: ${request.status}`);
  return Uint8Array.from(request.responseText, (character) => character.charCodeAt(0) & 0xff);
}
