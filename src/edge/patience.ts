import { OBJECT_ATTEMPTS_MAX, OBJECT_RETRY_MS_MAX } from "../domain/limits.ts";

/**
 * Calls of objects that fail on the way. The platform marks its failures: `retryable`, where the object was lost or moved and a fresh
 * call may reach it; `overloaded`, where more calls would make it worse. What our own code throws is neither.
 */

type Marked = { retryable?: boolean; overloaded?: boolean };

/** Did the object not answer, for no fault of ours? Whether it did what it was told is then unknown. */
export function isObjectFailure(failure: unknown): boolean {
  if (!(failure instanceof Error)) return false;
  const { retryable, overloaded } = failure as Marked;
  return retryable === true || overloaded === true;
}

/**
 * Makes a call, and again after a while of random length where it was lost and `mayRepeat` says that a second one does nothing twice.
 * Overloaded objects are left alone.
 */
export async function patiently<T>(call: () => Promise<T>, mayRepeat: boolean): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call();
    } catch (failure) {
      const isLost = isObjectFailure(failure) && (failure as Marked).overloaded !== true;
      if (!isLost || !mayRepeat || attempt === OBJECT_ATTEMPTS_MAX) throw failure;
      // All whose calls were lost at one instant do not come back at one.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * OBJECT_RETRY_MS_MAX * attempt));
    }
  }
}
