/** Lists that are short: one page of the API's largest size is read. */
export const LISTED_MAX = 200;
