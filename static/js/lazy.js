// @ts-check
/** Owns parts of the page that few ever open: brought when they are first wanted, once. */

/**
 * @template T
 * @param {() => Promise<T>} bring
 * @returns {() => Promise<T>} asks again after it could not be had
 */
export function lazily(bring) {
  /** @type {Promise<T> | null} */
  let brought = null;
  return () => {
    brought ??= bring().catch((error) => {
      brought = null;
      throw error;
    });
    return brought;
  };
}
