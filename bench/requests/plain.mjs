/** Request makers for floors and reads. A maker returns one request for ever, or a function that makes each next one. */

/** With `paths` each of them in turn. */
export function get({ path, paths, headers = {} }) {
  if (paths === undefined) return { method: "GET", path, headers };
  let sent = 0;
  return () => {
    const path = paths[sent % paths.length];
    sent += 1;
    return { method: "GET", path, headers };
  };
}

export function post({ path, headers = {}, body }) {
  return { method: "POST", path, headers, body };
}

/** Each of `requests`, { path, body }, in turn. */
export function posts({ requests, headers = {} }) {
  let sent = 0;
  return () => {
    const { path, body } = requests[sent % requests.length];
    sent += 1;
    return { method: "POST", path, headers, body };
  };
}
