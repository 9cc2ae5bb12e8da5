// Original file: proto/crossport/v1/registration.proto

export const RealServerState = {
  PENDING: 'PENDING',
  READY: 'READY',
  DRAINING: 'DRAINING',
  DOWN: 'DOWN',
} as const;

export type RealServerState =
  | 'PENDING'
  | 0
  | 'READY'
  | 1
  | 'DRAINING'
  | 2
  | 'DOWN'
  | 3

export type RealServerState__Output = typeof RealServerState[keyof typeof RealServerState]
