import { constants, type Http2Stream } from 'node:http2'

/** What a call of the server is made of, inside of grpc-js: each layer has the next, and the last the stream. */
interface Layer {
  readonly call?: Layer
  readonly nextCall?: Layer
  readonly stream?: Http2Stream
}

/**
 * Resets the stream of a call (RFC 9113 section 6.4). gRPC's own way to end one is a status, which waits behind what the
 * peer does not read, and keeps that in memory for as long as the peer likes. Test: test/unit/report/bounds.test.ts.
 */
export function resetStream(call: unknown): void {
  for (let layer = call as Layer | undefined; layer !== undefined; layer = layer.call ?? layer.nextCall)
    layer.stream?.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
}
