// The clock of an API that is measured. It can be set ahead: what a token costs after it expired is measured without waiting.
let aheadMs = 0;

export const now = () => Date.now() + aheadMs;

/** @param milliseconds - by how much the clock is ahead from now on */
export function setAhead(milliseconds) {
  aheadMs = milliseconds;
}
