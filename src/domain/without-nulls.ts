/** `R` without NULL: columns that may be NULL become properties that may be absent. */
export type WithoutNulls<R> = { [C in keyof R as null extends R[C] ? never : C]: R[C] } & {
  [C in keyof R as null extends R[C] ? C : never]?: Exclude<R[C], null>;
};

/** A row as the domain speaks: what SQL says by NULL, a value of the domain leaves out. */
export function withoutNulls<R extends object>(row: R): WithoutNulls<R> {
  // Dropping exactly the properties that are null is what the type says of every row type.
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as WithoutNulls<R>;
}
