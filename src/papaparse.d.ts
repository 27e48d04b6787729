/** The functions of papaparse we use. Its published types bring Node's globals along, which are not there on Workers. */
declare module "papaparse" {
  const Papa: {
    /** `row` of an error is an index into `data`. */
    parse<T>(text: string): { data: T[]; errors: { type: string; row?: number }[] };
    /** Rows as RFC 4180 writes them, without a line break behind the last. */
    unparse(rows: readonly (readonly string[])[]): string;
  };
  export default Papa;
}
