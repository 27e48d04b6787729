/** Answers that are made while they are sent, a piece at a time: nothing of them is held that the reader has not asked for. */

/**
 * Sends the pieces one by one, each made when the one before it was taken. A piece that cannot be made breaks the answer off: what
 * was sent is then seen to be no whole.
 */
export function streamed(pieces: AsyncGenerator<string>, headers: Record<string, string>): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await pieces.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    async cancel() {
      await pieces.return(undefined);
    },
  });
  return new Response(body, {
    headers: { "Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff", ...headers },
  });
}
