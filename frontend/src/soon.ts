/** The longest wait in milliseconds; a hidden tab has no frames, only timers. */
const LIMIT = 250;

/** Do some work before the next frame, once. */
export function soon(work: () => void): void {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    work();
  };
  requestAnimationFrame(once);
  setTimeout(once, LIMIT);
}
