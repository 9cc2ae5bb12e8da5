// Original file: proto/crossport/v1/control.proto


export interface GetStatusRequest {
}

export interface GetStatusRequest__Output {
}
