/** The one function of papaparse we use. Its published types bring Node's globals along, which are not there on Workers. */
declare module "papaparse" {
  const Papa: {
    parse<T>(text: string, options: { skipEmptyLines: boolean }): { data: T[] };
  };
  export default Papa;
}
