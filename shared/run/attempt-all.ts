/**
 * Calls `act` with each item, in their order, whatever it throws.
 *
 * @param failed - called at each error, before the next item
 * @returns the errors, in order
 */
export function attemptAll<T>(
  items: Iterable<T>,
  act: (item: T) => void,
  failed: (error: unknown, item: T) => void = () => {},
): readonly unknown[] {
  const errors: unknown[] = []
  for (const item of items) {
    try {
      act(item)
    } catch (error) {
      errors.push(error)
      failed(error, item)
    }
  }
  return errors
}
