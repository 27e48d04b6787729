/** Where request makers are: jobs cross a thread border, so they name their maker instead of carrying it. */
const maker = (file, name) => (values) => ({ module: new URL(file, import.meta.url).href, name, values });

export const getRequest = maker("plain.mjs", "get");
export const postRequest = maker("plain.mjs", "post");
export const postRequests = maker("plain.mjs", "posts");
export const eventRequest = maker("events.mjs", "single");
export const batchRequest = maker("events.mjs", "batch");
