import { useEffect, useState } from "preact/hooks";
import { type Answered, ask } from "./api.ts";

/** How long a form must rest before what it would do is asked again. */
const REST_MS = 250;

/**
 * What a command would do, asked by POST of its preview each time the question changes. `path` undefined: the form is not filled in
 * yet, so nothing is asked and nothing is known. While a newer answer is under way the one before is not shown: it was of something else.
 */
export function usePreview<T>(path: string | undefined, body: unknown = {}): Answered<T> | undefined {
  const question = path === undefined ? undefined : `${path} ${JSON.stringify(body)}`;
  const [known, setKnown] = useState<{ question: string; answered: Answered<T> }>();
  useEffect(() => {
    if (path === undefined || question === undefined) return;
    let isWanted = true;
    const timer = setTimeout(async () => {
      const answered = await ask<T>("POST", path, body);
      if (isWanted) setKnown({ question, answered });
    }, REST_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [question]);
  return known !== undefined && known.question === question ? known.answered : undefined;
}
