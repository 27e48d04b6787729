/** Text modules: the bundler takes the file's text as it is. */
declare module "*.txt" {
  const text: string;
  export default text;
}
