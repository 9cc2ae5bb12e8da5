// Original file: proto/crossport/v1/control.proto


export interface ResyncRequest {
}

export interface ResyncRequest__Output {
}
