/** Request makers for floors and reads. A maker returns one request for ever, or a function that makes each next one. */

export function get({ path, headers = {} }) {
  return { method: "GET", path, headers };
}

export function post({ path, headers = {}, body }) {
  return { method: "POST", path, headers, body };
}
