// Original file: proto/crossport/v1/control.proto


export interface TeardownRequest {
}

export interface TeardownRequest__Output {
}
