const lengthGetter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')!
  .get!

/** The length of a view, whatever a property of that name says. Errors: TypeError for what is no typed array. */
export function realLength(bytes: Uint8Array): number {
  return lengthGetter.call(bytes) as number
}
